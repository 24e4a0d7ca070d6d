import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { pageHtml, pageParts, pageUpdate } from "../../../src/health/page/fleet_page.ts";
import type { FleetPicture } from "../../../src/health/page/fleet_picture.ts";
import { type PageView, viewOf } from "../../../src/health/page/page_view.ts";
import { failingFleet, HOSTILE, SAMPLES, SECRET } from "./sample_pictures.ts";

function view(query = "", isLive = true): PageView {
  return viewOf(new URLSearchParams(query), "./", isLive);
}

/** Text between tags, as a person reads it. */
function textOf(html: string): string {
  return html.replace(/<(style|script)>.*?<\/\1>/gs, " ").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}

const bytes = (text: string) => new TextEncoder().encode(text).length;

Deno.test("pageHtml() shows the figures of the fleet, who reads what, each shard and each worker", () => {
  const text = textOf(pageHtml(SAMPLES.healthy(), view()));
  for (
    const expected of [
      "orders: healthy",
      "healthy for 3 d 4 h",
      "stream orders-v2 · eu-central-1 · kclite 0.1.0",
      "Largest lag 4 min 12 s",
      "caught up in about 6 min",
      "Records a second 7,569",
      "Unread records are trimmed in 23 h 55 min",
      "retention 1 d, warning below 6 h",
      "Shards being read 16 of 16",
      "1 waits for parents",
      "orders-7f9c-a 4",
      "behind, caught up in about 6 min",
      "orders-7f9c-d 1.2 s 437 ≥ 599 ms held",
      "leader",
      "shows this page",
      "41 %",
      "Lease table read 4.0 s ago · shown by orders-7f9c-a · 2026-11-26 14:12:03 UTC",
    ]
  ) assertStringIncludes(text, expected);
});

Deno.test("pageHtml() says what is wrong once for each kind of fault, errors first, and what to do", () => {
  const text = textOf(pageHtml(SAMPLES.failing(), view()));
  const [, faults = ""] = /What is wrong (.*?) Largest lag/.exec(text) ?? [];
  assertStringIncludes(faults, "readsFailing 40 times");
  assertStringIncludes(faults, "and 35 more");
  assertEquals(faults.split("deploy/iam has the policies").length, 2, "advice once");
  assertLess(faults.indexOf("hole"), faults.indexOf("behind"));
  assertStringIncludes(text, "failing for 19 h 26 min");
  assertStringIncludes(text, "at this pace records are lost");
  assertStringIncludes(text, "294 of 300");
  assertStringIncludes(text, "No lease covers 10 to 10.33 %, 40 to 40.33 %, 70 to 70.33 %.");
  assertStringIncludes(text, "Nobody reads shardId-000000000011");
  assertStringIncludes(text, "silent");
});

Deno.test("pageHtml() says how far the fleet is known, and how old that is", () => {
  const sight = (picture: FleetPicture) => textOf(pageParts(picture, view()).get("sight") ?? "").trim();
  assertEquals(sight(SAMPLES.healthy()), "");
  assertStringIncludes(sight(SAMPLES.ownOnly()), "The lease table is not read");
  assertStringIncludes(sight(SAMPLES.waiting()), "being read for the first time");
  assertStringIncludes(sight(SAMPLES.failedLook()), "AccessDeniedException");
  assertStringIncludes(sight(SAMPLES.staleLook()), "ThrottlingException");
  assertStringIncludes(pageParts(SAMPLES.staleLook(), view()).get("foot") ?? "", "read 1 min 35 s ago");
});

Deno.test("pageHtml() shows handoffs under way, from whom to whom", () => {
  const text = textOf(pageHtml(SAMPLES.handoff(), view()));
  assertStringIncludes(text, "orders-7f9c-b → orders-7f9c-c");
  assertStringIncludes(text, "draining");
});

Deno.test("pageHtml() of a worker that knows nothing yet says so and invents no figure", () => {
  const text = textOf(pageHtml(SAMPLES.empty(), view()));
  for (
    const expected of ["starting", "No lease is known yet.", "No worker has reported yet.", "Not known yet."]
  ) {
    assertStringIncludes(text, expected);
  }
  assert(!/undefined|NaN/.test(text), text);
});

Deno.test("pageHtml() calls nothing of a DynamoDB stream a hole, and says why no bar is drawn", () => {
  const sample = SAMPLES.healthy();
  const ofTable = { streamName: "us-east-1$123456789012$orders$2026", parts: [] };
  const alone = pageHtml({ ...sample, ranges: [ofTable] }, view());
  assertStringIncludes(textOf(alone), "The shards of a DynamoDB stream have no hash keys.");
  assert(!alone.includes("No lease covers"));
  const beside = pageParts({ ...sample, ranges: [...sample.ranges, ofTable] }, view()).get("ranges") ?? "";
  assertEquals([beside.split("<svg").length - 1, beside.includes("$orders$")], [1, false]);
});

Deno.test("pageHtml() shows a few of hundreds of streams, those with holes first, and counts the rest", () => {
  const html = pageHtml(SAMPLES.manyStreams(), view());
  const names = [...html.matchAll(/<h3>(events-of-customer-\d+)/g)].map(([, name]) => name);
  assertEquals(names.length, 6);
  assertEquals(names[0], "events-of-customer-1017");
  assertStringIncludes(html, "and 234 streams more, all of them read in full");
  assertStringIncludes(html, "events-of-customer-1002 and 237 more");
});

Deno.test("pageHtml() has at most 200 KB for 300 shards, and not much more for 10,000 and 200 workers", () => {
  for (const name of ["large", "failing", "manyStreams"] as const) {
    assertLess(bytes(pageHtml(SAMPLES[name](), view())), 200_000, name);
  }
  const huge = pageHtml(SAMPLES.huge(), view());
  assertLess(bytes(huge), 300_000);
  assertEquals(huge.match(/<tr id="s/g)?.length, 100);
  assertStringIncludes(textOf(huge), "1 to 100 of 10,000 shards");
  assertStringIncludes(huge, `<a href="?page=100">100</a>`);
  assertStringIncludes(textOf(huge), "200 workers, 100 of them shown");
});

Deno.test("pageHtml() obeys no name and no error: nothing of it becomes an element, an attribute or a secret", () => {
  const hostile = pageHtml(
    SAMPLES.hostile(),
    view(new URLSearchParams({ find: HOSTILE.slice(0, 9) }).toString()),
  );
  assertEquals(hostile.match(/<script/g)?.length, 1);
  assert(!hostile.includes("<img"));
  assert(!hostile.includes(SECRET), "a secret of an error");
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assert(!/[\u0000-\u0009\u000b-\u001f\u202e]/.test(hostile), "control characters");
  for (const [tag] of hostile.replaceAll(/"[^"]*"/g, "").matchAll(/<[a-z][^<>]*>/gi)) {
    assert(!/\s(?:on\w+|style)=/.test(tag), tag);
  }
  // Every "<" and ">" outside the style and the script belongs to a well-formed tag.
  const rest = hostile.replace(/<(style|script)>.*?<\/\1>/gs, "").replace("<!DOCTYPE html>", "")
    .replace(/<\/?[a-z\d]+(?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*\s*\/?>/g, "");
  assert(!/[<>]/.test(rest), rest.match(/.{0,40}[<>].{0,40}/)?.[0]);
  assert(!/NaN|Infinity/.test(textOf(hostile)));
});

Deno.test("pageHtml() asks nobody else: all addresses are its own, and none is in a style", () => {
  for (const make of Object.values(SAMPLES)) {
    const html = pageHtml(make(), view("page=2"));
    const addresses = [...html.matchAll(/\s(?:href|src|action|data-events)="([^"]*)"/g)].map(([, address]) =>
      address ?? ""
    );
    for (const address of addresses) {
      assert(
        /^(?:\.\/(?:health|lag|metrics|events\?\S*)|\?\S*|#[\w-]+|data:image\/svg\+xml,\S.*)$/.test(address),
        address,
      );
    }
    assert(!/@import|url\((?!#)/.test(html));
  }
});

Deno.test("pageHtml() works without scripts: it reloads itself, and a page that is not live has no script", () => {
  const live = pageHtml(SAMPLES.three(), view());
  assertStringIncludes(live, `<noscript><meta http-equiv="refresh" content="10"></noscript>`);
  const plain = pageHtml(SAMPLES.three(), view("", false));
  assertStringIncludes(plain, `\n<meta http-equiv="refresh" content="10">`);
  assert(!plain.includes("<script") && !plain.includes("data-events"));
});

Deno.test("pageHtml() has landmarks, one h1, captions, scopes and a live region that holds no growing figure", () => {
  const html = pageHtml(SAMPLES.failing(), view());
  for (const landmark of ["<header>", "<main>", "<nav ", "<footer ", `role="search"`, `lang="en"`]) {
    assertStringIncludes(html, landmark);
  }
  assertEquals(html.match(/<h1/g)?.length, 1);
  assertEquals(html.match(/<caption/g)?.length, html.match(/<table/g)?.length);
  assert(!/<th(?! scope=)[ >]/.test(html));
  assertEquals(html.match(/role="status"|aria-live/g), [`role="status"`]);
  const later = failingFleet(300, 12);
  const grown = {
    ...later,
    verdict: {
      ...later.verdict,
      sinceMs: 99_000_000,
      faults: later.verdict.faults.map((fault) => ({ ...fault, text: fault.text.replace("26", "27") })),
    },
  };
  const said = (picture: FleetPicture) => pageParts(picture, view()).get("announcement");
  assertEquals(said(grown), said(later));
  assertStringIncludes(
    said(later) ?? "",
    "failing, 42 faults: readsFailing, 40 times; hole; behind of shardId-",
  );
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assertEquals(new Set(ids).size, ids.length, "ids are unique");
});

Deno.test("pageParts() are what stands in the document, each in the element of its id", () => {
  const picture = SAMPLES.failing();
  const html = pageHtml(picture, view("page=2"));
  for (const [id, part] of pageParts(picture, view("page=2"))) {
    if (id === "shards" || id === "workers") {
      const [, body = ""] = new RegExp(`<tbody id="${id}">(.*?)</tbody>`, "s").exec(html) ?? [];
      assertEquals([...body.matchAll(/<tr id="([^"]*)"/g)].map(([, row]) => row), part.split(" "));
    } else assert(new RegExp(` id="${id}"[^>]*>`).test(html) && html.includes(`>${part}</`), id);
  }
});

Deno.test("pageParts() gives a row the same id while it moves, and two rows never the same", () => {
  const picture = SAMPLES.handoff();
  const moved = { ...picture, shards: picture.shards.toReversed() };
  const ids = (of: FleetPicture) => pageParts(of, view()).get("shards")?.split(" ") ?? [];
  assertEquals(ids(moved), ids(picture).toReversed());
  assertEquals(new Set(ids(SAMPLES.hostile())).size, 4);
});

Deno.test("pageUpdate() has only what changed, and the order of rows only when it did", () => {
  const picture = SAMPLES.handoff();
  const before = pageParts(picture, view());
  assertEquals(pageUpdate(before, pageParts(SAMPLES.handoff(), view())), undefined);
  const [first, ...others] = picture.shards;
  assert(first !== undefined);
  const slower = { ...picture, shards: [{ ...first, lagMs: 7000 }, ...others] };
  const update = pageUpdate(before, pageParts(slower, view()));
  const [id = ""] = before.get("shards")?.split(" ") ?? [];
  assertEquals(Object.keys(update?.parts ?? {}), [id]);
  assertEquals(update?.order, {});
  const after = pageUpdate(before, pageParts({ ...picture, shards: [...others, first] }, view()));
  assertEquals(after?.parts, {});
  assertEquals(after?.order, { shards: [...(before.get("shards")?.split(" ") ?? []).slice(1), id] });
  const whole = pageUpdate(undefined, before);
  assertGreater(Object.keys(whole?.parts ?? {}).length, 15);
  assertEquals(Object.keys(whole?.order ?? {}), ["shards", "workers"]);
});

Deno.test("pageUpdate() empties a table", () => {
  const update = pageUpdate(pageParts(SAMPLES.three(), view()), pageParts(SAMPLES.empty(), view()));
  assertEquals(update?.order, { shards: [], workers: [] });
});

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Hono } from "npm:hono@^4.13.0";
import { healthApp, Totals } from "../../src/health/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { readPrometheus } from "../observe/prometheus_reader.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";

Deno.test("healthApp() /health answers 503 with the reason until the worker is ready, then 200", async () => {
  const { totals, app } = setUp();
  const before = await app.request("/health");
  assertEquals(before.status, 503);
  assertEquals(await before.json(), {
    healthy: false,
    ready: false,
    faults: [{ code: "notStarted", text: "The worker has not been started." }],
  });
  totals.listener(SAMPLE_EVENTS.workerReady);
  const after = await app.request("/health");
  assertEquals(after.status, 200);
  assertEquals(await after.json(), { healthy: true, ready: true, faults: [] });
});

Deno.test("healthApp() /health turns to 503 when a shard is stuck, and back when it moves", async () => {
  const { clock, totals, app } = setUp();
  totals.listener(SAMPLE_EVENTS.workerReady);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  totals.listener(SAMPLE_EVENTS.phaseChanged);
  assertEquals((await app.request("/health")).status, 200);
  clock.jump(61_000);
  totals.listener(SAMPLE_EVENTS.leaseRenewed);
  const stuck = await app.request("/health");
  assertEquals(stuck.status, 503);
  assertStringIncludes(await stuck.text(), "Nothing has happened for 1 min 1 s in phase processing.");
  totals.listener(SAMPLE_EVENTS.pageFetched);
  assertEquals((await app.request("/health")).status, 200);
});

Deno.test("healthApp() /live answers 503 only for what a restart of the process mends", async () => {
  const { clock, totals, app } = setUp();
  const live = async () => (await app.request("/live")).status;
  assertEquals(await live(), 200, "it may still be starting");
  for (const event of ["workerReady", "eventLoopTurned", "leaseGained", "phaseChanged"] as const) {
    totals.listener(SAMPLE_EVENTS[event]);
  }
  totals.listener(SAMPLE_EVENTS.passFailed);
  totals.listener(SAMPLE_EVENTS.fleetAudited);
  clock.jump(59_000);
  totals.listener(SAMPLE_EVENTS.passFailed);
  assertEquals([await live(), (await app.request("/health")).status], [200, 503]);
  clock.jump(1001);
  const overdue = await app.request("/live");
  assertEquals([overdue.status, await overdue.json()], [503, {
    alive: false,
    faults: [{ code: "eventLoopOverdue", text: "The event loop has had no turn for 1 min." }],
  }]);
  totals.listener(SAMPLE_EVENTS.eventLoopTurned);
  assertEquals(await live(), 200);
});

Deno.test("healthApp() with a token answers probes to everybody, and all else to those who have it", async () => {
  const token = "a-token-of-16-or-more";
  const app = healthApp(new Totals(new FakeClock()), { token });
  const basic = (text: string) => `Basic ${btoa(text)}`;
  const ask = async (path: string, authorization?: string) => {
    const given = authorization === undefined ? {} : { headers: { authorization } };
    const { status, body } = await app.request(path, given);
    await body?.cancel();
    return status;
  };
  for (const path of ["/", "/events", "/health", "/lag", "/metrics", "/scale"]) {
    const allowed = await ask(path, `Bearer ${token}`);
    assert(allowed !== 401, path);
    assertEquals(await ask(path, `bearer  ${token}`), allowed);
    assertEquals(await ask(path, basic(`anybody:${token}`)), allowed);
    for (
      const wrong of [
        undefined,
        "",
        "Bearer",
        "Bearer a-token-of-16-or-mor",
        `Bearer ${token}x`,
        token,
      ] as const
    ) {
      assertEquals(await ask(path, wrong), 401, `${path} with ${wrong}`);
    }
    for (const wrong of [basic("anybody:"), basic(token), basic(`x:${token}:`), "Basic %%%"]) {
      assertEquals(await ask(path, wrong), 401, `${path} with ${wrong}`);
    }
  }
  assertEquals([await ask("/live"), await ask("/ready")], [200, 503]);
  const refused = await app.request("/lag");
  assertStringIncludes(refused.headers.get("www-authenticate") ?? "", "Basic realm=");
  assertEquals(await refused.text(), "A token is needed\n");
});

Deno.test("healthApp() refuses a token that is too short, without showing it", () => {
  for (const token of ["", "short", "with space in between", "with-ümlauts-in-between"]) {
    const error = assertThrows(() => healthApp(new Totals(new FakeClock()), { token }), RangeError);
    assert(token === "" || !error.message.includes(token));
  }
});

Deno.test("healthApp() in an app of its user's own does not check Host: that app knows its names", async () => {
  const { app } = setUp();
  const response = await app.request("http://evil.example/lag", { headers: { host: "evil.example" } });
  assertEquals(response.status, 200);
});

Deno.test("healthApp() /ready is 200 from workerReady to workerStopping", async () => {
  const { totals, app } = setUp();
  const ready = async () => {
    const response = await app.request("/ready");
    return [response.status, await response.json()];
  };
  assertEquals(await ready(), [503, { ready: false, phase: "notStarted" }]);
  totals.listener(SAMPLE_EVENTS.workerReady);
  assertEquals(await ready(), [200, { ready: true, phase: "ready" }]);
  totals.listener(SAMPLE_EVENTS.workerStopping);
  assertEquals(await ready(), [503, { ready: false, phase: "stopping" }]);
});

Deno.test("healthApp() /lag answers with one object a shard", async () => {
  const { totals, app } = setUp();
  totals.listener(SAMPLE_EVENTS.leaseGained);
  totals.listener(sample("pageFetched", { millisBehindLatest: 250 }));
  const response = await app.request("/lag");
  assertEquals(await response.json(), [{
    shardId: "shardId-000000000000",
    leaseKey: "shardId-000000000000",
    owner: "w1",
    phase: "waitingOnParents",
    checkpoint: { sequenceNumber: "4967", subSequenceNumber: 0 },
    millisBehindLatest: 250,
    lagMs: 250,
    lastProgress: "2026-01-30T12:00:00.000Z",
    msSinceProgress: 0,
  }]);
});

Deno.test("healthApp() /metrics answers in the Prometheus format with its content type", async () => {
  const response = await setUp().app.request("/metrics");
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert(readPrometheus(await response.text()).has("kclite_healthy"));
});

Deno.test("healthApp() / is a page in which every text is escaped, under a policy that allows its own script alone", async () => {
  const { totals, app } = setUp();
  const hostile = `<script>alert("1")</script>'&`;
  totals.listener(
    sample("workerStarting", { applicationName: hostile, streamName: hostile, workerId: hostile }),
  );
  totals.listener(sample("leaseGained", { leaseKey: hostile, workerId: hostile }));
  totals.listener(sample("shardBlocked", { leaseKey: hostile, parents: [hostile] }));
  totals.listener(sample("leaseRenewalFailed", { leaseKey: hostile, error: new Error(hostile) }));
  const response = await app.request("/");
  const html = await response.text();
  assertMatch(`${response.headers.get("content-type")}`, /^text\/html; charset=utf-8$/i);
  const policy = `${response.headers.get("content-security-policy")}`;
  assertMatch(policy, /^default-src 'none'; style-src 'sha256-.*script-src 'sha256-.*connect-src 'self'/);
  assertEquals(response.headers.get("referrer-policy"), "no-referrer");
  assert(!html.includes("<script>alert"), html);
  assertStringIncludes(html, "kclite 0.1.0");
  assertStringIncludes(html, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;");
});

Deno.test("healthApp() / without a fleet shows the worker's own shards, the faulty ones first, and says so", async () => {
  const { clock, totals, app } = setUp();
  totals.listener(SAMPLE_EVENTS.workerReady);
  for (const leaseKey of ["shard-a", "shard-b", "shard-c"]) {
    totals.listener(sample("leaseGained", { leaseKey }));
  }
  totals.listener(sample("leaseLost", { leaseKey: "shard-a" }));
  clock.jump(11_000);
  totals.listener(sample("leaseRenewed", { leaseKey: "shard-c" }));
  const html = await (await app.request("/")).text();
  const body = html.slice(html.indexOf('<tbody id="shards">'), html.indexOf("</tbody>"));
  const keys = [...body.matchAll(/shard-[abc]/g)].map(([key]) => key);
  assertEquals([...new Set(keys)], ["shard-b", "shard-a", "shard-c"]);
  assertStringIncludes(html, "The lease has not been renewed for 11.0 s.");
  assertStringIncludes(body, "no longer held: taken");
  assertStringIncludes(html, "The lease table is not read");
});

Deno.test("healthApp() / links to its siblings wherever it is mounted", async () => {
  const { app } = setUp();
  const outer = new Hono();
  outer.route("/ops/kclite", app);
  for (const [host, at] of [[app, "/"], [outer, "/ops/kclite"]] as const) {
    const html = await (await host.request(at)).text();
    const links = [...html.matchAll(/(?:href|data-events|action)="(?!data:|#)([^"]*)"/g)].map(([, to]) =>
      `${to}`
    );
    assert(links.some((link) => link.includes("/events")) && links.length > 5, links.join(" "));
    for (const link of links) {
      const { pathname, search } = new URL(link.replaceAll("&amp;", "&"), `http://localhost${at}`);
      const { status, body } = await host.request(pathname + search);
      await body?.cancel();
      assert([200, 503].includes(status), `${link} from ${at} leads to ${pathname}`);
    }
  }
});

Deno.test("healthApp() mounted at the root of another app leaves its other routes alone", async () => {
  const { app } = setUp();
  const outer = new Hono();
  outer.route("/", app);
  outer.get("/mine", (context) => context.text("mine"));
  const response = await outer.request("/mine");
  assertEquals([await response.text(), response.headers.get("cache-control")], ["mine", null]);
});

Deno.test("healthApp() only reads, is not cached, and answers HEAD", async () => {
  const { app } = setUp();
  for (const path of ["/", "/events", "/health", "/live", "/ready", "/lag", "/metrics"]) {
    assertEquals((await app.request(path, { method: "POST" })).status, 404, path);
    const head = await app.request(path, { method: "HEAD" });
    assertEquals(await head.text(), "", path);
    assertMatch(`${head.headers.get("cache-control")}`, /^no-store/, path);
  }
});

Deno.test("healthApp() refuses limits that make no sense", () => {
  assertThrows(
    () => healthApp(new Totals(new FakeClock()), { callbackLimitMs: -1 }),
    RangeError,
    "callbackLimitMs",
  );
});

function setUp() {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  return { clock, totals, app: healthApp(totals) };
}

Deno.test("healthApp() /scale says how many workers there should be, or 503 while it does not know the fleet", async () => {
  const { totals, app } = setUp();
  totals.listener(SAMPLE_EVENTS.workerStarting);
  const refused = await app.request("/scale");
  assertEquals(refused.status, 503);
  assertStringIncludes(await refused.text(), "the option fleet");
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  totals.listener(sample("assignmentPass", { leases: 9, workers: 3 }));
  const answer = await app.request("/scale");
  assertEquals(answer.status, 200);
  assertEquals((await answer.json()).workersWanted, 3);
  assertThrows(() => healthApp(totals, { catchUpTargetMs: NaN }), RangeError, "catchUpTargetMs");
});

Deno.test("healthApp() with shardMetrics false leaves the shards out of /metrics", async () => {
  const { totals } = setUp();
  totals.listener(SAMPLE_EVENTS.leaseGained);
  const text = async (shardMetrics?: boolean) =>
    await (await healthApp(totals, { shardMetrics }).request("/metrics")).text();
  assertEquals((await text()).includes("{shard="), true);
  assertEquals((await text(false)).includes("{shard="), false);
});

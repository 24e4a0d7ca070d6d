/**
 * What must hold while the page is followed: only what changed is replaced, the reader's place is kept, and a connection that
 * is lost is said, and found again, without asking too much.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { FleetPicture, ShardLine } from "../../src/health/page/fleet_picture.ts";
import { failingFleet, healthyFleet } from "../health/page/sample_pictures.ts";
import { type Page, WAIT_MS, type Watched } from "./chromium.ts";
// @ts-types="./in_page.d.ts"
import { focusedName, hide, markRows, scrolledBy, select, selectedText } from "./in_page.js";
import type { PageServer } from "./page_server.ts";

/** A test of a page that is open and shows `healthyFleet(300, 12)`. */
export type LiveTest = (watched: Watched, server: PageServer) => Promise<void>;

/** Each test by its name. */
export const LIVE_TESTS: Readonly<Record<string, LiveTest>> = {
  "an update replaces what changed, without a reload": async ({ page }, server) => {
    await isLive(page);
    await page.evaluate(markRows);
    const before = await page.locator("#shards tr").nth(3).innerText();
    server.show(withFirst({ lagMs: 3_600_000 }));
    await page.locator("#shards tr").first().getByText("1 h", { exact: true }).waitFor();
    assertEquals(await page.locator("#shards tr[data-kept]").count(), 100, "rows are kept");
    assertEquals(await page.locator("#shards tr").nth(3).innerText(), before);
    server.show(failingFleet(300, 12));
    await page.locator("#faults h2").waitFor();
    assertEquals(await page.locator(".pill").innerText(), "failing for 19 h 26 min");
    assertEquals(await page.title(), "orders: failing (42)");
    server.show(healthyFleet(300, 12));
    await page.locator("#faults h2").waitFor({ state: "detached" });
  },

  "rows come, go and move as the picture has them": async ({ page }, server) => {
    await isLive(page);
    const picture = healthyFleet(300, 12);
    const shown = async () => (await page.locator("#shards th").allInnerTexts()).map((text) => text.trim());
    for (
      const shards of [
        picture.shards.toReversed(),
        picture.shards.slice(0, 7),
        [],
        picture.shards.slice(5, 60),
      ]
    ) {
      server.show({ ...picture, shards });
      const wanted = shards.slice(0, 100).map(({ leaseKey }) => leaseKey);
      await until(
        page,
        async () => JSON.stringify(await shown()) === JSON.stringify(wanted),
        "the rows of the picture",
      );
    }
  },

  "scroll, focus and selected text stay where they are": async ({ page }, server) => {
    await isLive(page);
    const link = page.locator("#pages a").nth(1);
    await link.focus();
    const scrolled = await page.evaluate(scrolledBy);
    assertGreater(scrolled, 500);
    // Fewer pages: the links are replaced, and the second one is still there.
    const picture = healthyFleet(300, 12);
    server.show({ ...picture, shards: picture.shards.slice(0, 150) });
    await page.locator("#count").getByText("150 shards").waitFor();
    assertEquals(await page.evaluate(focusedName), "2");
    assertEquals(await page.evaluate(scrolledBy), scrolled);
    await page.evaluate(select, 2);
    const selected = await page.evaluate(selectedText);
    assert(selected.startsWith("shardId-"));
    server.show({ ...picture, shards: picture.shards.toReversed(), version: "9.9.9" });
    await page.locator("#about").getByText("9.9.9").waitFor();
    assertEquals(await page.evaluate(selectedText), selected);
    await page.evaluate(select, -1);
    server.show({ ...picture, shards: picture.shards.toReversed(), version: "9.9.10" });
    const last = picture.shards.at(-1)?.leaseKey ?? "";
    await until(
      page,
      async () => (await page.locator("#shards th").first().innerText()).includes(last),
      "the rows' order",
    );
  },

  "a lost connection is said with the age of what is shown, and found again": async ({ page }, server) => {
    await isLive(page);
    const port = await server.stop();
    await page.locator("#connection.lost").waitFor();
    const text = await page.locator("#connection").innerText();
    assert(/^connection lost, shows the state of \d\d:\d\d:\d\d, \d+ s old$/.test(text), text);
    await until(
      page,
      async () => / [2-9] s old/.test(await page.locator("#connection").innerText()),
      "an age that grows",
    );
    server.resume(port);
    server.show(withFirst({ lagMs: 7_200_000 }));
    await isLive(page);
    await page.locator("#shards tr").first().getByText("2 h", { exact: true }).waitFor();
  },

  "a server that refuses is not asked again and again": async ({ page }, server) => {
    await isLive(page);
    await page.clock.install();
    await page.reload();
    await isLive(page);
    server.refusal = 401;
    const asked = server.asked;
    const port = await server.stop();
    server.resume(port);
    await page.locator("#connection.lost").waitFor();
    // Half an hour of the browser's clock.
    for (let minute = 0; minute < 30; minute++) {
      await page.clock.runFor(60_000);
      await page.evaluate(scrolledBy);
    }
    const times = server.asked - asked;
    assertGreater(times, 2);
    assertLess(times, 15);
    assert((await page.locator("#connection").innerText()).includes("min old"));
  },

  "a hidden tab does not listen": async ({ page }, server) => {
    await isLive(page);
    assertEquals(server.listening, 1);
    await page.evaluate(hide, true);
    await until(page, () => Promise.resolve(server.listening === 0), "nobody listens");
    server.show(withFirst({ lagMs: 10_800_000 }));
    await page.evaluate(hide, false);
    await page.locator("#shards tr").first().getByText("3 h", { exact: true }).waitFor();
    await isLive(page);
    assertEquals(server.listening, 1);
  },

  "a page of shards, an order and a search are followed as they were asked for": async (
    { page, requests },
    server,
  ) => {
    await page.goto(`${server.origin}/?page=2&order=shard&find=shardId`);
    await isLive(page);
    assert(requests.some((address) => address.endsWith("/events?page=2&order=shard&find=shardId")));
    assertEquals((await page.locator("#shards th").first().innerText()).trim(), "shardId-000000000104");
    await page.getByRole("searchbox").fill("000000000123");
    await page.keyboard.press("Enter");
    await page.locator("#count").getByText("1 found among 300 shards").waitFor();
    assertEquals(await page.locator("#shards tr").count(), 1);
    assertEquals(new URL(page.url()).search, "?find=000000000123&order=shard");
  },
};

/** What browsers without scripts see. */
export async function worksWithoutScripts(watched: Watched, server: PageServer): Promise<void> {
  const { page } = watched;
  await page.goto(server.origin);
  assertEquals(await page.locator("noscript meta[http-equiv=refresh]").count(), 1);
  assertEquals(await page.locator("#shards tr").count(), 100);
  await page.locator("#pages").getByText("3", { exact: true }).click();
  await page.locator("#count").getByText("201 to 300 of 300 shards").waitFor();
  await page.getByRole("columnheader", { name: "Shard" }).getByRole("link").click();
  assertEquals((await page.locator("#shards th").first().innerText()).trim(), "shardId-000000000004");
  await page.getByRole("searchbox").fill("orders-7f9c-b");
  await page.getByRole("button", { name: "Find" }).click();
  await page.locator("#count").getByText("25 found among 300 shards").waitFor();
  assertEquals(await page.locator("#connection").innerText(), "");
  assertEquals(server.asked, 0);
}

/** A large fleet whose first shard is like this. */
function withFirst(change: Partial<ShardLine>): FleetPicture {
  const picture = healthyFleet(300, 12);
  return {
    ...picture,
    shards: picture.shards.map((line, index) => index === 0 ? { ...line, ...change } : line),
  };
}

async function isLive(page: Page): Promise<void> {
  await page.locator("#connection").getByText("live", { exact: true }).waitFor();
}

async function until(page: Page, isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const endMs = Date.now() + WAIT_MS; Date.now() < endMs;) {
    if (await isSo()) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`Cannot go on: expected ${what} within ${WAIT_MS / 1000} s`);
}

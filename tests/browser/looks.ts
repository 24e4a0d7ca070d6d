/**
 * What must hold of the page as it stands, whatever it shows: nothing overflows, each word can be read, the keyboard
 * reaches everything, and a screen reader finds the tables.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Page } from "./chromium.ts";
// @ts-types="./in_page.d.ts"
import { animations, faintTexts, focusedName, focusedStop, numberStops, overflow } from "./in_page.js";

/** Nothing is wider than the window. What scrolls inside a region of its own is no matter. */
export async function fitsTheWindow(page: Page): Promise<void> {
  const { wide, window, beyond } = await page.evaluate(overflow);
  assertEquals([wide, beyond], [window, ""], "something overflows the window");
}

/**
 * Each text has a contrast of 4.5 with what is behind it, as the browser computed the colours.
 * Source: WCAG 2.2, success criterion 1.4.3.
 */
export async function canBeRead(page: Page): Promise<void> {
  assertEquals(await page.evaluate(faintTexts), [], "text that is hard to read");
}

/** Tab reaches all that can be used, in the order of the document, and each shows that it has the focus. */
export async function worksByKeyboard(page: Page): Promise<void> {
  const wanted = await page.evaluate(numberStops);
  assertGreater(wanted, 5);
  for (let stop = 0; stop < wanted; stop++) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(focusedStop);
    assertEquals(seen.stop, String(stop), `the stop ${stop} of Tab: ${seen.html}`);
    assert(seen.isShown, `focus cannot be seen: ${seen.html}`);
  }
}

/** The skip link leads to the shards, past everything else. */
export async function skipsToTheShards(page: Page): Promise<void> {
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assertEquals(await page.evaluate(focusedName), "shards-title");
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate(focusedName), "find");
}

/** Tables are tables to a screen reader, where rows look like cards too, and live texts are figures never. */
export async function isToldAsTables(page: Page): Promise<void> {
  const told = await page.locator("main").ariaSnapshot();
  for (
    const role of [
      /- table "Shards with/,
      /- table "Workers with/,
      /columnheader "Lag"/,
      /rowheader ".*shardId-/,
      /- cell "/,
    ]
  ) {
    assert(role.test(told), `a screen reader is not told ${role}:\n${told.slice(0, 2000)}`);
  }
  for (
    const name of ["Figures of the fleet", "Who reads which part of the hash range", "Shards", "Workers"]
  ) {
    assert(told.includes(`region "${name}"`), `no region "${name}"`);
  }
}

/** Nothing moves by itself. */
export async function standsStill(page: Page): Promise<void> {
  assertEquals(await page.evaluate(animations), 0);
}

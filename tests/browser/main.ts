/**
 * Looks at the fleet page in this machine's Chromium: on a desk and on a phone, light and dark, of healthy and failing fleets, by
 * keyboard alone, without scripts, and while it is followed. It sends no request to anybody but its own server, and breaks
 * none of its own policy. Ends with 1 when something does not hold, and says "skipped" where there is no Chromium.
 *
 * ```sh
 * deno task test:browser [--smoke] [--shots FOLDER] [--write] [--only TEXT]
 * ```
 *
 * `--shots` saves what it saw; `--write` writes the pictures of the documents; `--only` runs the tests whose
 * names hold a text. The variable CHROMIUM names another browser.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { assert, assertEquals, assertLess } from "@std/assert";
import { type SampleName, SAMPLES } from "../health/page/sample_pictures.ts";
import { type Browser, findChromium, startChromium, type Watched, watchedPage } from "./chromium.ts";
// @ts-types="./in_page.d.ts"
import { groundColour } from "./in_page.js";
import { LIVE_TESTS, worksWithoutScripts } from "./live.ts";
import {
  canBeRead,
  fitsTheWindow,
  isToldAsTables,
  skipsToTheShards,
  standsStill,
  worksByKeyboard,
} from "./looks.ts";
import { PageServer } from "./page_server.ts";

const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SCHEMES = ["light", "dark"] as const;
/** Pictures of the documents: a large one is slow to load, in bytes. */
const MOST_PICTURE_BYTES = 180_000;

interface Look {
  readonly sample: SampleName;
  readonly scheme: typeof SCHEMES[number];
  readonly size: "desk" | "phone";
}

const { values } = parseArgs({
  options: {
    smoke: { type: "boolean", default: false },
    shots: { type: "string" },
    write: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});

/** Samples that are looked at in both sizes and both schemes; the others on a light desk and a dark phone. */
const FULLY: readonly SampleName[] = ["three", "large", "failing"];

/** How each sample is looked at. */
function looks(): readonly Look[] {
  if (values.smoke) return [{ sample: "three", scheme: "light", size: "desk" }];
  return (Object.keys(SAMPLES) as SampleName[]).flatMap((sample) => [
    { sample, scheme: "light", size: "desk" } as const,
    { sample, scheme: "dark", size: "phone" } as const,
    ...(FULLY.includes(sample)
      ? [
        { sample, scheme: "dark", size: "desk" } as const,
        { sample, scheme: "light", size: "phone" } as const,
      ]
      : []),
  ]);
}

function open(
  browser: Browser,
  origin: string,
  { scheme, size }: Pick<Look, "scheme" | "size">,
): Promise<Watched> {
  const viewport = size === "desk" ? DESK : PHONE;
  return watchedPage(browser, { viewport, colorScheme: scheme, reducedMotion: "reduce" }, origin);
}

async function lookAt(browser: Browser, look: Look): Promise<void> {
  await using server = new PageServer(SAMPLES[look.sample]());
  await using watched = await open(browser, server.origin, look);
  const { page, complaints, requests } = watched;
  await page.goto(server.origin);
  await page.locator("#connection").getByText("live", { exact: true }).waitFor();
  if (values.shots !== undefined) {
    await page.screenshot({
      path: `${values.shots}/${look.sample}-${look.scheme}-${look.size}.png`,
      fullPage: true,
    });
  }
  await fitsTheWindow(page);
  await canBeRead(page);
  await standsStill(page);
  if (FULLY.includes(look.sample) && look.scheme === (look.size === "desk" ? "light" : "dark")) {
    await isToldAsTables(page);
    await worksByKeyboard(page);
    await page.reload();
    await skipsToTheShards(page);
  }
  const ground = await page.evaluate(groundColour);
  assertEquals(/rgb\(2\d\d/.test(ground), look.scheme === "light", `the ground is ${ground}`);
  assertEquals(complaints, []);
  assert(requests.every((address) => !address.includes("favicon")));
}

async function live(
  browser: Browser,
  test: (watched: Watched, server: PageServer) => Promise<void>,
): Promise<void> {
  await using server = new PageServer(SAMPLES.large());
  await using watched = await open(browser, server.origin, { scheme: "light", size: "desk" });
  await watched.page.goto(server.origin);
  await test(watched, server);
  assertEquals(watched.complaints, []);
}

async function withoutScripts(browser: Browser): Promise<void> {
  await using server = new PageServer(SAMPLES.large());
  await using watched = await watchedPage(
    browser,
    { viewport: DESK, javaScriptEnabled: false },
    server.origin,
  );
  await worksWithoutScripts(watched, server);
  assertEquals(watched.complaints, []);
}

/** docs/images: the page of a fleet of which one shard is behind. */
async function writePictures(browser: Browser): Promise<void> {
  const folder = new URL("../../docs/images/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  for (const scheme of SCHEMES) {
    await using server = new PageServer(SAMPLES.picture());
    const viewport = { width: 1160, height: 700 };
    await using watched = await watchedPage(browser, { viewport, colorScheme: scheme }, server.origin);
    await watched.page.goto(server.origin);
    await watched.page.locator("#connection").getByText("live", { exact: true }).waitFor();
    const image = await watched.page.screenshot({ fullPage: true });
    assertLess(image.length, MOST_PICTURE_BYTES, `fleet-${scheme}.png has too many bytes`);
    await Deno.writeFile(new URL(`fleet-${scheme}.png`, folder), image);
    console.log(`wrote docs/images/fleet-${scheme}.png, ${image.length} bytes`);
  }
}

/** Each test by its name. */
function tests(browser: Browser): ReadonlyMap<string, () => Promise<void>> {
  const lived = Object.entries(LIVE_TESTS).slice(0, values.smoke ? 1 : undefined);
  return new Map([
    ...looks().map((look) =>
      [`${look.sample}, ${look.scheme}, on a ${look.size}`, () => lookAt(browser, look)] as const
    ),
    ...lived.map(([name, test]) => [name, () => live(browser, test)] as const),
    ...(values.smoke
      ? []
      : [["without scripts it pages, sorts and finds", () => withoutScripts(browser)] as const]),
  ]);
}

async function main(): Promise<number> {
  const path = await findChromium();
  if (path === undefined) {
    console.log("skipped: there is no Chromium here; install the package chromium, or name one in CHROMIUM");
    return 0;
  }
  const browser = await startChromium(path);
  let failed = 0;
  try {
    if (values.shots !== undefined) await Deno.mkdir(values.shots, { recursive: true });
    if (values.write) {
      await writePictures(browser);
      return 0;
    }
    const all = tests(browser);
    for (const [name, test] of all) {
      const startedMs = performance.now();
      try {
        await test();
        console.log(`${name} ... ok (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed++;
        console.log(`${name} ... FAILED: ${error instanceof Error ? error.stack : error}`);
      }
    }
    console.log(`${browser.version()}: ${all.size - failed} passed, ${failed} failed`);
  } finally {
    await browser.close();
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main();

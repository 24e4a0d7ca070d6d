/**
 * Drives the Chromium of this machine. Nothing is downloaded: where there is none, the tests are skipped and say so.
 *
 * @module
 */

import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "npm:playwright-core@1.65.1";

export type { Browser, BrowserContext, Page };

/** Where distributions put it. */
const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The longest wait for anything that the browser should do, in ms. */
export const WAIT_MS = 10_000;

/** The path of Chromium: the variable `CHROMIUM`, else where it usually is. Undefined: there is none. */
export async function findChromium(): Promise<string | undefined> {
  const wanted = Deno.env.get("CHROMIUM");
  for (const path of wanted === undefined ? PATHS : [wanted]) {
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Starts it. Chromium has no sandbox for root, and containers have no large /dev/shm. */
export async function startChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** What a page did that no page of ours may do. */
export interface Watched extends AsyncDisposable {
  readonly page: Page;
  /** Requests to others, violations of the policy, errors of the script, and all else that the console says. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for. */
  readonly requests: readonly string[];
}

/** Opens a page and watches it. Closed with its context. */
export async function watchedPage(
  browser: Browser,
  options: BrowserContextOptions,
  origin: string,
): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [], requests: string[] = [];
  page.on("console", (message) => {
    // The browser says so of each connection that is refused, which some tests do on purpose.
    if (!/net::ERR_|status of (?:401|503)/.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("request", (request) => {
    requests.push(request.url());
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) {
      complaints.push(`request to ${request.url()}`);
    }
  });
  return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() };
}

/**
 * The documentation of the public API, from the comments of all entry points in deno.json.
 *
 * ```sh
 * deno task docs:lint   # every public symbol must have a sentence, and name no type that is not exported
 * deno task docs:api    # writes HTML to ./api
 * ```
 *
 * `--smoke` writes the HTML to a temporary folder.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runCommand } from "../tests/support/command.ts";

const ROOT = new URL("..", import.meta.url);

/** What `deno doc --lint` may object to: a type of another package cannot be exported as ours. */
const ACCEPTED: ReadonlySet<string> = new Set([
  "public type 'healthApp' references private type 'Hono'",
  `public type 'OtelOptions["tracer"]' references private type 'Tracer'`,
  `public type 'OtelOptions["meter"]' references private type 'Meter'`,
]);

/**
 * What `deno doc --lint` prints, as one line for each objection that is not accepted: `file:line:column
 * what`.
 */
export function objections(printed: string): readonly string[] {
  const found = printed.matchAll(/^error\[[\w-]+\]: (.*)\n\s*--> (\S+)/gm);
  return [...found].filter(([, what = ""]) => !ACCEPTED.has(what)).map(([, what, place = ""]) =>
    `${place.replace(ROOT.pathname, "")} ${what}`
  );
}

async function entryPoints(): Promise<readonly string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  return Object.values<string>(exports);
}

async function denoDoc(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await runCommand(
    Deno.execPath(),
    ["doc", ...args, ...await entryPoints()],
    { cwd: ROOT.pathname, timeoutMs: 60_000 },
  );
  return { code, text: `${stdout}${stderr}` };
}

async function lint(): Promise<number> {
  const { code, text } = await denoDoc(["--lint"]);
  const found = objections(text);
  // Whatever else goes wrong has no objection: no file, a syntax error.
  const isBroken = code !== 0 && !text.includes("documentation lint error");
  for (const line of isBroken ? [text] : found) console.error(line);
  if (!isBroken) console.log(`${found.length} objections to the documentation of the public API`);
  return isBroken || found.length > 0 ? 1 : 0;
}

async function html(folder: string): Promise<number> {
  const { code, text } = await denoDoc(["--html", "--name=kclite", `--output=${folder}`]);
  console.log(code === 0 ? `Written to ${folder}` : text);
  return code;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { smoke: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  if (positionals[0] === "lint") Deno.exitCode = await lint();
  else if (!values.smoke) Deno.exitCode = await html("api");
  else {
    const folder = await Deno.makeTempDir({ prefix: "kclite-api-" });
    try {
      Deno.exitCode = await html(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
}

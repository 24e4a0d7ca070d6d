/** Each program ends a process, so that it gets one of its own. */

import { assertEquals } from "@std/assert";
import { runCommand } from "../support/command.ts";

const MODULE = new URL("../../src/host/program_end.ts", import.meta.url).href;

/** A process that ends with this program, an async function's body. */
async function ending(body: string): Promise<{ readonly code: number; readonly first: string | undefined }> {
  const main = `import { endWith } from "${MODULE}"; endWith(async () => { ${body} });`;
  const { code, stderr } = await runCommand(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    `data:text/javascript,${encodeURIComponent(main)}`,
  ]);
  return { code, first: stderr.split("\n")[0] };
}

Deno.test("endWith() ends the process with the program's exit code, whatever is left to wait for", async () => {
  assertEquals(await ending("setInterval(() => {}, 1000); return 3;"), { code: 3, first: "" });
});

Deno.test("endWith() ends with 1 and says why when the program throws", async () => {
  assertEquals(await ending(`throw new Error("no tea");`), { code: 1, first: "Cannot go on: no tea" });
  assertEquals(await ending("throw undefined;"), { code: 1, first: "Cannot go on: undefined" });
});

Deno.test("endWith() ends with 1 when nothing is left to wait for and the program has not ended", async () => {
  assertEquals(await ending("await new Promise(() => {});"), {
    code: 1,
    first: "Cannot go on: nothing is left to wait for, and the program has not ended",
  });
});

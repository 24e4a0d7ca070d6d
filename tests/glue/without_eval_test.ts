/** Typed records where no code may be made of texts. */

import { assertEquals } from "@std/assert";
import { SMOKE_ORDERS } from "../runtimes/smoke_decoders.mjs";
import { runCommand } from "../support/command.ts";

Deno.test("glue() and schemas work where eval and new Function are forbidden", async () => {
  const program = new URL("without_eval.ts", import.meta.url).pathname;
  const flag = "--v8-flags=--disallow-code-generation-from-strings";
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), [
    "run",
    "-A",
    "--no-lock",
    flag,
    program,
  ]);
  assertEquals(code, 0, stderr);
  const { made, values } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  assertEquals(made, "EvalError: Code generation from strings disallowed for this context");
  assertEquals(values, [SMOKE_ORDERS, SMOKE_ORDERS, SMOKE_ORDERS]);
});

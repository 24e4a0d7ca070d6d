/** @module */

import { assertEquals } from "@std/assert";
import { CliProcess } from "../support/cli_process.ts";

/** Runs a program on the standard streams. */
function program(body: string, printsTo?: string): CliProcess {
  const streams = new URL("../../src/host/standard_streams.ts", import.meta.url).href;
  const text = `
import process from "node:process";
import { errorColumns, standardInput, standardScreen } from ${JSON.stringify(streams)};
const screen = standardScreen();
${body}
`;
  const more = printsTo === undefined ? {} : { printsTo };
  return new CliProcess({ deno: ["eval", "--ext=ts"], args: [text], cwd: Deno.cwd(), ...more });
}

Deno.test("standardScreen().writeAtExit() writes however the process ends, unless it is called off", async () => {
  await using exits = program(`
screen.writeAtExit("restored\\n");
screen.writeAtExit("called off\\n")();
process.exit(3);
`);
  assertEquals([await exits.exitCode(), exits.output], [3, "restored\n"]);
});

Deno.test("standardScreen() is no terminal in a pipe", async () => {
  await using piped = program(`
screen.onResize(() => {})();
await screen.drained();
screen.write(JSON.stringify([screen.isTerminal, screen.columns() ?? null, screen.rows() ?? null, errorColumns() ?? null]));
`);
  assertEquals([await piped.exitCode(), piped.output], [0, "[false,null,null,null]"]);
});

Deno.test("standardScreen().closed aborts when the reader has ended, and nothing throws", async () => {
  await using unread = program(
    `
const timer = setInterval(() => screen.write("x".repeat(100_000)), 10);
screen.closed.addEventListener("abort", async () => {
  clearInterval(timer);
  screen.write("late");
  await screen.drained();
  process.exit(4);
});
`,
    `| head -c 1; exit 0`,
  );
  // The shell's own code is that of head: what counts is that the program has ended.
  assertEquals(await unread.exitCode() < 128, true, unread.output);
});

Deno.test("standardScreen().onSuspend() stops after leaving, and enters when the process goes on", async () => {
  await using suspended = program(`
screen.onSuspend(() => screen.write("left\\n"), () => { screen.write("back\\n"); process.exit(5); });
process.kill(process.pid, "SIGTSTP");
setTimeout(() => process.exit(6), 20_000);
`);
  await suspended.printed(/left/);
  await new Promise((resolve) => setTimeout(resolve, 200));
  suspended.kill("SIGCONT");
  assertEquals([await suspended.exitCode(), suspended.output], [5, "left\nback\n"]);
});

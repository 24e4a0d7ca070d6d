import { assertEquals } from "@std/assert";
import { CliProcess } from "../support/cli_process.ts";

/**
 * A program that listens, and that ends in order when a second SIGINT has reached it and did not end it.
 *
 * @param onFirst What it does at the first signal.
 */
function program(onFirst: string): CliProcess {
  const signals = new URL("../../src/host/signals.ts", import.meta.url).href;
  const text = `
import process from "node:process";
import { listenToSignals } from ${JSON.stringify(signals)};
const { signal, exitCode } = listenToSignals((name) => { console.log("first", name); ${onFirst} }, (code) => Deno.exit(code));
let count = 0;
process.on("SIGINT", () => { if (++count === 2) { console.log("orderly", exitCode()); Deno.exit(0); } });
console.log("ready");
setTimeout(() => Deno.exit(9), 60_000);
`;
  return new CliProcess({ deno: ["eval", "--ext=ts"], args: [text], cwd: Deno.cwd() });
}

Deno.test("listenToSignals() stops first and reports then, even where that fails", async () => {
  await using running = program(
    `console.log(signal.aborted); setTimeout(() => { console.log("orderly", exitCode()); Deno.exit(0); }, 0); throw new Error();`,
  );
  await running.printed(/ready/);
  running.kill("SIGTERM");
  assertEquals(await running.exitCode(), 0, running.output);
  assertEquals(running.output, "ready\nfirst SIGTERM\ntrue\norderly 143\n");
});

Deno.test("listenToSignals() takes a signal and its echo from a task runner for one", async () => {
  // The program sends the echo itself: how long another process takes to send one depends on what else the machine does.
  await using running = program(`Deno.kill(Deno.pid, name);`);
  await running.printed(/ready/);
  running.kill("SIGINT");
  assertEquals(await running.exitCode(), 0, running.output);
  assertEquals(running.output, "ready\nfirst SIGINT\norderly 130\n");
});

Deno.test("listenToSignals() ends the program at a second signal", async () => {
  await using running = program("");
  await running.printed(/ready/);
  running.kill("SIGTERM");
  await running.printed(/first SIGTERM/);
  // Sooner, it would be taken for an echo of the first.
  await new Promise((resolve) => setTimeout(resolve, 700));
  running.kill("SIGTERM");
  assertEquals(await running.exitCode(), 143, running.output);
  assertEquals(running.output, "ready\nfirst SIGTERM\n");
});

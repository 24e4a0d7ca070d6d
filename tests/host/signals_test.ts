import { assertEquals } from "@std/assert";

const program = `
import { listenToSignals } from "${new URL("../../src/host/signals.ts", import.meta.url)}";
const { signal, exitCode } = listenToSignals((name) => console.log("first", name), (code) => Deno.exit(code));
console.log("ready");
signal.addEventListener("abort", () => setTimeout(() => { console.log("orderly", exitCode()); Deno.exit(0); }, 1500));
setTimeout(() => Deno.exit(9), 20_000);
`;

/** Sends signals at the given times after the program is ready. @returns its output and exit code. */
async function runWith(signals: readonly (readonly [atMs: number, signal: Deno.Signal])[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", program],
    stdout: "piped",
  }).spawn();
  let output = "";
  const ready = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      if (output.includes("ready")) ready.resolve();
    }
  })();
  await ready.promise;
  const startedMs = performance.now();
  for (const [atMs, signal] of signals) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - (performance.now() - startedMs))));
    child.kill(signal);
  }
  const { code } = await child.status;
  await reading;
  return { code, lines: output.trim().split("\n") };
}

Deno.test("listenToSignals() takes a signal and its echo from a task runner for one", async () => {
  const { code, lines } = await runWith([[0, "SIGINT"], [50, "SIGINT"]]);
  assertEquals(lines, ["ready", "first SIGINT", "orderly 130"]);
  assertEquals(code, 0);
});

Deno.test("listenToSignals() ends the program at a second signal", async () => {
  const { code, lines } = await runWith([[0, "SIGTERM"], [700, "SIGTERM"]]);
  assertEquals(lines, ["ready", "first SIGTERM"]);
  assertEquals(code, 143);
});

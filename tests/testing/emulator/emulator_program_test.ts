import { assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../../cli.ts";
import { counts } from "../../../examples/words/words.ts";
import { parseEmulatorCommand } from "../../../src/host/emulator_arguments.ts";
import { until } from "../../support/fleet.ts";

/** The command line in this process: what it prints, and its exit code. */
function run(
  args: readonly string[],
  signal: AbortSignal,
  environment: ReadonlyMap<string, string> = new Map(),
) {
  const lines: string[] = [];
  const exitCode = main(args, {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    childStderr: () => {},
    env: (name) => environment.get(name),
    envNames: [...environment.keys()],
    signal,
  });
  return { lines, exitCode };
}

Deno.test("the emulator prints a command that reads what it puts", async () => {
  counts.clear();
  const words = () => counts.values().reduce((sum, count) => sum + count, 0);
  const stop = new AbortController(), stopWorker = new AbortController();
  const emulator = run(
    ["emulator", "--port", "0", "--stream", "words", "--stream", "orders", "--put", "200"],
    stop.signal,
  );
  await until("it is served", () => emulator.lines.some((line) => line.includes("cli.ts")));
  const [command = ""] = emulator.lines.filter((line) => line.includes("cli.ts"));
  assertStringIncludes(
    emulator.lines.join("\n"),
    'Stream "orders" with 2 shards: arn:aws:kinesis:us-east-1:000000000000:stream/orders',
  );
  const [before = "", after = ""] = command.trim().split("deno run -A cli.ts ");
  const environment = new Map(before.trim().split(" ").map((pair) => pair.split("=") as [string, string]));
  const worker = run(after.split(" "), stopWorker.signal, environment);
  await until("words are read", () => words() >= 100);
  stopWorker.abort();
  assertEquals(await worker.exitCode, 0, worker.lines.join("\n"));
  stop.abort();
  assertEquals(await emulator.exitCode, 0);
  assertEquals(emulator.lines.at(-1), "Stopped.");
  assertEquals(counts.size, 8); // each word of the emulator's sentence, but "the" once
});

Deno.test("the emulator says so when its port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { lines, exitCode } = run(["emulator", "--port", `${port}`], new AbortController().signal);
  assertEquals(await exitCode, 1);
  assertStringIncludes(lines.join("\n"), `127.0.0.1:${port}: the port is in use: give another as --port`);
});

Deno.test("the emulator ends by itself after --seconds", async () => {
  const { lines, exitCode } = run(["emulator", "--smoke"], new AbortController().signal);
  assertEquals(await exitCode, 0);
  assertEquals(lines.at(-1), "Stopped.");
});

Deno.test("the emulator prints its help, and refuses what it does not know", async () => {
  const { signal } = new AbortController();
  const help = run(["emulator", "--help"], signal);
  assertEquals(await help.exitCode, 0);
  assertStringIncludes(help.lines.join("\n"), "Usage: kclite emulator");
  const wrong = run(["emulator", "--shards", "0"], signal);
  assertEquals(await wrong.exitCode, 2);
  assertEquals(wrong.lines, [
    'Cannot run the emulator: expected --shards to be a whole number >= 1: got "0"\nUsage: kclite emulator [OPTION...]\nTry kclite emulator --help',
  ]);
});

Deno.test("parseEmulatorCommand() reads every flag, and objects to each that it cannot read", () => {
  const plain = { streams: undefined, shards: undefined, putPerSecond: undefined, seconds: undefined };
  const run = { type: "run", ...plain } as const;
  assertEquals(parseEmulatorCommand([]), { ...run, port: 4567 });
  assertEquals(
    parseEmulatorCommand(["--port=1", "--stream=a", "--stream=b", "--shards=3", "--put=4", "--seconds=5"]),
    { ...run, port: 1, streams: ["a", "b"], shards: 3, putPerSecond: 4, seconds: 5 },
  );
  assertEquals(parseEmulatorCommand(["--smoke"]), { ...run, port: 0, putPerSecond: 50, seconds: 1 });
  for (const wrong of [["--port=a"], ["--shards=0"], ["--put=-1"], ["--seconds=1.5"], ["--what"], ["file"]]) {
    assertEquals(parseEmulatorCommand(wrong).type, "misuse", wrong.join(" "));
  }
});

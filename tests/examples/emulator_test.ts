import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { main as runCommandLine } from "../../cli.ts";
import { main } from "../../examples/emulator/emulator.ts";
import { seen } from "../../examples/words/words.ts";
import { until } from "../support/fleet.ts";

Deno.test("the emulator prints a command that reads what it puts", async () => {
  seen.clear();
  const lines: string[] = [];
  const stop = new AbortController(), stopWorker = new AbortController();
  const { signal } = stop;
  const running = main({
    port: 0,
    streams: ["words", "orders"],
    putPerSecond: 200,
    signal,
    print: (line) => lines.push(line),
  });
  const [command] = lines.filter((line) => line.includes("cli.ts"));
  assert(command !== undefined);
  assertStringIncludes(
    lines.join("\n"),
    'Stream "orders" with 2 shards: arn:aws:kinesis:us-east-1:000000000000:stream/orders',
  );
  const [before = "", after = ""] = command.trim().split("deno run -A cli.ts ");
  const environment = new Map(before.trim().split(" ").map((pair) => pair.split("=") as [string, string]));
  const log: string[] = [];
  const worker = runCommandLine(after.split(" "), {
    out: (line) => void log.push(line),
    err: (line) => void log.push(line),
    childStderr: () => {},
    env: (name) => environment.get(name),
    envNames: [...environment.keys()],
    signal: stopWorker.signal,
  });
  await until("words are read", () => seen.size >= 100);
  stopWorker.abort();
  assertEquals(await worker, 0, log.join("\n"));
  stop.abort();
  await running;
  assertEquals(lines.at(-1), "Stopped.");
  assert([...Array(100).keys()].every((number) => seen.has(number)));
});

Deno.test("the emulator says so when its port is taken", async () => {
  const { signal } = new AbortController();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await assertRejects(
    () => main({ port, signal, print: () => {} }),
    Error,
    `port ${port}: another program does: set --port`,
  );
});

Deno.test("the emulator ends by itself when it is told after how many seconds", async () => {
  const lines: string[] = [];
  const { signal } = new AbortController();
  await main({ port: 0, seconds: 0.05, signal, print: (line) => lines.push(line) });
  assertEquals(lines.at(-1), "Stopped.");
});

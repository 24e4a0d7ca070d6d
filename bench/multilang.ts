/**
 * How much record data the bridge to a child process carries, beside the same bytes sent over the same pipes without it, and how
 * much memory an idle child costs on our side. `taskset -c 0 deno task bench:multilang` shares one core between both processes.
 *
 * ```sh
 * deno task bench:multilang [--smoke]
 * ```
 *
 * `--smoke` sends two small messages, which shows that the program works and measures nothing. The last line is JSON: `mbPerSecond` of record data (before base64), `ratioToEcho` (1 = as fast as the bare pipes) and
 * `kibPerIdleChild`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { ChildProcess } from "../src/child_process.ts";
import { childStarter } from "../src/host/child_starter.ts";
import { ChildSession } from "../src/multilang/child_session.ts";
import { encodeLine } from "../src/multilang/message.ts";
import type { RecordFields } from "../src/stream/record.ts";
import { realClock } from "../src/system.ts";

const RECORD_BYTES = 1024;

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
const [recordCount, rounds, warmUpRounds, idleChildren] = values.smoke ? [20, 2, 1, 1] : [5000, 60, 10, 20];

using starter = childStarter();
const records = Array.from({ length: recordCount }, (_, i): RecordFields => ({
  sequenceNumber: `${49590338271490256608559692538361571095921575989136580000n + BigInt(i)}`,
  subSequenceNumber: 0,
  partitionKey: `key-${i}`,
  explicitHashKey: undefined,
  data: crypto.getRandomValues(new Uint8Array(RECORD_BYTES)),
  approximateArrivalTimestamp: 1_476_889_707_000 + i,
  encryptionType: undefined,
  aggregated: false,
}));
const batch = { action: "processRecords", records, millisBehindLatest: 0 } as const;

const echo = await measureEcho();
const bridge = await measureBridge();
const kibPerIdleChild = await measureIdle();
console.log(`${recordCount} records of ${RECORD_BYTES} bytes a message, ${rounds} messages`);
console.log(`bare pipes: ${echo.toFixed(0)} MB/s of record data`);
console.log(`bridge:     ${bridge.toFixed(0)} MB/s of record data`);
console.log(`idle child: ${kibPerIdleChild.toFixed(0)} KiB`);
console.log(JSON.stringify({
  mbPerSecond: Math.round(bridge),
  ratioToEcho: Number((bridge / echo).toFixed(2)),
  kibPerIdleChild: Math.round(kibPerIdleChild),
}));

function startChild(): Promise<ChildProcess> {
  const child = new URL("./multilang_child.ts", import.meta.url).pathname;
  return starter.spawn(Deno.execPath(), ["run", "--no-config", "--no-lock", "-q", child]);
}

function sessionOf(child: ChildProcess): ChildSession {
  return new ChildSession({
    child,
    clock: realClock,
    timeoutMs: 60_000,
    exitWaitMs: 10_000,
    killWaitMs: 1000,
    stopping: undefined,
    notice: () => {},
    writeStderr: () => {},
    onFailure: (error) => console.error(error),
  });
}

async function megabytesPerSecond(round: () => Promise<void>): Promise<number> {
  for (let i = 0; i < warmUpRounds; i++) await round();
  const startMs = performance.now();
  for (let i = 0; i < rounds; i++) await round();
  return rounds * recordCount * RECORD_BYTES / 1e3 / (performance.now() - startMs);
}

/** The same lines, encoded beforehand; an answer is one read. */
async function measureEcho(): Promise<number> {
  const child = await startChild();
  const pieces = Array.from(encodeLine(batch), (piece) => piece.slice());
  const answers = child.stdout[Symbol.asyncIterator]();
  const rate = await megabytesPerSecond(async () => {
    for (const piece of pieces) await child.write(piece);
    await answers.next();
  });
  child.closeInput();
  await child.exited;
  child.release();
  return rate;
}

async function measureBridge(): Promise<number> {
  const session = sessionOf(await startChild());
  const rate = await megabytesPerSecond(() => session.request(batch));
  await session.close();
  return rate;
}

/** After each child has had a small batch. */
async function measureIdle(): Promise<number> {
  const small = { ...batch, records: records.slice(0, 10) };
  const sessions: ChildSession[] = [];
  const start = async () => {
    const session = sessionOf(await startChild());
    sessions.push(session);
    await session.request(small);
  };
  await start();
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < idleChildren; i++) await start();
  const kib = (Deno.memoryUsage().rss - before) / 1024 / idleChildren;
  await Promise.all(sessions.map((session) => session.close()));
  return kib;
}

/**
 * Runs `kclite put`.
 *
 * @module
 */

import { isTableStreamName } from "../../stream/table_stream_name.ts";
import { counted } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { KeySource } from "../../operate/records/partition_keys.ts";
import { putLines, type PutResult } from "../../operate/records/put.ts";
import { oneStream } from "../../operate/records/target.ts";
import { type CommandRun, type Flags, WrongUsage } from "./command_spec.ts";
import { failureSentence } from "./failure_text.ts";
import type { OperateContext } from "./operate_context.ts";
import { KEY_FIELD, PARTITION_KEY } from "./put_options.ts";

/** After this many lines that are refused, others are counted and not named. */
const MOST_NAMED = 20;

/** Runs it. */
export async function put({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, isJson, signal, log, host } = context;
  const keys = keysOf(flags);
  const { streams, system } = await context.openStream();
  const stream = oneStream(streams);
  if (isTableStreamName(stream.streamName)) {
    throw new RangeError(
      `Cannot put into stream "${stream.streamName}": expected one of Kinesis: got that of a DynamoDB table: ` +
        "write to the table",
    );
  }
  const writes = await context.openWrites();
  const startMs = system.clock.monotonicMs();
  const progress = terminal.progress("Putting records", "record");
  let refused = 0;
  const result = await putLines({
    writes,
    stream,
    system,
    input: host.input?.() ?? NO_INPUT,
    keys,
    onRefused: (line, problem) => {
      if (++refused <= MOST_NAMED) {
        log({ level: "error", text: `Cannot put line ${line}: ${oneLine(problem)}` });
      }
    },
    onProgress: (done) => progress.update(done, undefined),
  }, signal);
  progress.end();
  if (refused > MOST_NAMED) {
    log({ level: "error", text: `Cannot put ${counted(refused - MOST_NAMED, "more line")}: not named here` });
  }
  const isStopped = signal.aborted && result.failure === signal.reason;
  if (result.failure !== undefined && !isStopped) {
    log({ level: "error", text: oneLine(failureSentence("put", result.failure)) });
  }
  const seconds = Math.round(system.clock.monotonicMs() - startMs) / 1000;
  terminal.print(isJson ? jsonOf(result, seconds) : sentenceOf(result, stream.streamName, seconds));
  const isWhole = result.refusedLines === 0 && (result.failure === undefined || isStopped);
  return isWhole ? 0 : 1;
}

const NO_INPUT: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};

function keysOf(flags: Flags): KeySource {
  const key = flags.of(PARTITION_KEY), name = flags.of(KEY_FIELD);
  if (key !== undefined && name !== undefined) {
    throw new WrongUsage("Expected --partition-key or --key-field: got both");
  }
  if (key !== undefined) return { type: "fixed", key };
  return name === undefined ? { type: "random" } : { type: "field", name };
}

function sentenceOf(result: PutResult, streamName: string, seconds: number): string {
  const { putRecords, putBytes, emptyLines, refusedLines, stoppedAtLine, isPartlyPut } = result;
  const where = `${oneLine(streamName)}, ${counted(result.shards, "shard")}`;
  return [
    `Put ${counted(putRecords, "record")} (${counted(putBytes, "byte")}) into ${where}, in ${
      seconds.toFixed(1)
    } s.`,
    ...(result.retriedRecords > 0
      ? [`${counted(result.retriedRecords, "record")} had to wait for room.`]
      : []),
    ...(emptyLines > 0 ? [`${counted(emptyLines, "empty line")} left out.`] : []),
    ...(refusedLines > 0 ? [`${counted(refusedLines, "line")} refused.`] : []),
    ...(stoppedAtLine === undefined ? [] : [`Stopped at line ${stoppedAtLine}, which is not put.`]),
    ...(isPartlyPut ? ["Some of the lines behind it are put."] : []),
  ].join(" ");
}

function jsonOf({ failure: _, stoppedAtLine, ...counts }: PutResult, seconds: number): string {
  return JSON.stringify({ ...counts, stoppedAtLine: stoppedAtLine ?? null, seconds }, undefined, 2);
}

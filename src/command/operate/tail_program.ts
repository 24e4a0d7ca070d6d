/**
 * Runs `kclite tail`.
 *
 * @module
 */

import { oneLine } from "../../observe/one_line.ts";
import { recordJson, recordLine } from "../../operate/records/record_text.ts";
import { type TailStart, tailStream } from "../../operate/records/tail.ts";
import { oneStream } from "../../operate/records/target.ts";
import { type CommandRun, type Flags, WrongUsage } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { FROM_BEGINNING, FROM_TIME, MAX_MESSAGES, SHARD, TO_TIME, UNTIL_LATEST } from "./tail_options.ts";

/** How much of the data of a record is shown on a terminal, in characters. */
const MOST_ON_TERMINAL = 1000;

/** Runs it. */
export async function tail({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, isJson, signal, log } = context;
  const from = startOf(flags);
  const { streams, kinesis, system } = await context.openStream();
  const most = terminal.isTerminal ? MOST_ON_TERMINAL : Infinity;
  await tailStream(
    {
      kinesis,
      stream: oneStream(streams),
      system,
      from,
      toMs: flags.of(TO_TIME),
      isUntilLatest: flags.has(UNTIL_LATEST),
      shards: flags.all(SHARD),
      maxRecords: flags.of(MAX_MESSAGES),
      onTrouble: (text) => log({ level: "warning", text: oneLine(text) }),
    },
    async (shardId, records) => {
      terminal.printLines(
        records.map((record) => isJson ? recordJson(shardId, record) : recordLine(shardId, record, most)),
      );
      await terminal.drained();
    },
    signal,
  );
  return 0;
}

function startOf(flags: Flags): TailStart {
  const fromMs = flags.of(FROM_TIME), toMs = flags.of(TO_TIME) ?? Infinity;
  if (flags.has(FROM_BEGINNING)) {
    if (fromMs !== undefined) throw new WrongUsage("Expected --from-beginning or --from-datetime: got both");
    return { type: "earliest" };
  }
  if (fromMs === undefined) return { type: "latest" };
  if (fromMs > toMs) {
    throw new WrongUsage("Expected --from-datetime to be before --to-datetime: got it after");
  }
  return { type: "time", epochMs: fromMs };
}

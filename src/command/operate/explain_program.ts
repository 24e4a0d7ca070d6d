/**
 * Runs `kclite explain`: looks at table, stream and shard, and says why the shard is being read, or is not.
 *
 * @module
 */

import { oneLine } from "../../observe/one_line.ts";
import { leaseNamed } from "../../operate/change/lease_name.ts";
import { type ExplainInput, explanationOf } from "../../operate/explain.ts";
import { lookToExplain } from "../../operate/explain_look.ts";
import { wrapText } from "../../terminal/text_width.ts";
import { type CommandRun, MAX_RCU } from "./command_spec.ts";
import { factLines, sentencesOf } from "./explain_text.ts";
import type { OperateContext } from "./operate_context.ts";

/** Of the failover time, as `describe` waits. */
const BETWEEN_SHARE = 0.4;

/** A paragraph is no wider, in columns. */
const MOST_COLUMNS = 100;

/** Runs it. */
export async function explain({ operands, flags }: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, signal, isJson } = context;
  const [name = ""] = operands;
  const fleet = await context.openFleet();
  const { options: { initialPositionInStream: from, maxLeasesForWorker } } = await context.configuration();
  const progress = terminal.progress("Reading leases", "lease");
  let input: ExplainInput;
  try {
    input = await lookToExplain(
      fleet,
      {
        name,
        betweenMs: fleet.failoverTimeMs * BETWEEN_SHARE,
        maxRcu: flags.of(MAX_RCU),
        onProgress: (read, total) => progress.update(read, total),
        initialTimestampMs: from instanceof Date ? from.getTime() : undefined,
        maxLeasesForWorker,
      },
      leaseNamed,
      signal,
    );
  } finally {
    progress.end();
  }
  const explanation = explanationOf(input);
  const { reason, facts, notRead } = explanation;
  const sentences = sentencesOf(explanation, name).map((text) => oneLine(text));
  if (isJson) terminal.print(JSON.stringify({ reason, sentences, facts, notRead }, undefined, 2));
  else {
    const width = Math.min(MOST_COLUMNS, terminal.columns);
    const isFound = reason !== "noSuchLease" && reason !== "notSeen";
    terminal.printLines([
      ...wrapText(sentences.join(" "), width),
      ...(isFound ? ["", ...factLines(explanation).flatMap((line) => wrapText(line, width))] : []),
      ...(notRead.length === 0
        ? []
        : ["", ...notRead.map((text) => terminal.paint("warning", oneLine(text)))]),
    ]);
  }
  return reason === "noSuchLease" || reason === "notSeen" ? 1 : 0;
}

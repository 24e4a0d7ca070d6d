/**
 * Runs `kclite clone`.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import type { StreamReference } from "../../aws/kinesis.ts";
import { oneLine } from "../../observe/one_line.ts";
import { applyChanges, writingsOf } from "../../operate/change/apply_changes.ts";
import { clonePlanOf, makeTable, newLeaseStore } from "../../operate/change/clone.ts";
import { lookToChange } from "../../operate/change/reset.ts";
import type { FleetAccess } from "../../operate/fleet_access.ts";
import { changeLines, changesJson, reportJson, reportLines } from "./change_text.ts";
import { CLONE_OPTIONS as OPTIONS } from "./clone_options.ts";
import { type CommandRun, MAX_RCU, WrongUsage } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function clone({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const as = flags.of(OPTIONS.as);
  const problem = as === undefined
    ? "Expected --as with the name of the new application: got none"
    : /^[\w.-]{3,255}$/.test(as)
    ? undefined
    : `Expected --as to be 3 to 255 letters, digits, "_", "." and "-": got ${JSON.stringify(as)}`;
  if (as === undefined || problem !== undefined) throw new WrongUsage(problem);
  const { terminal, signal, isJson } = context;
  const fleet = await context.openFleet();
  const print = (...lines: readonly string[]) => {
    if (!isJson) terminal.print(...lines);
  };
  const reading = terminal.progress("Reading leases", "lease");
  const { leases, description } = await lookToChange(fleet, {
    maxRcu: flags.of(MAX_RCU),
    onProgress: (read, total) => reading.update(read, total),
  }, signal).finally(() => reading.end());
  await ensureFree(fleet, as, signal);
  const finding = terminal.progress("Finding positions", "shard");
  const plan = await clonePlanOf(fleet, leases, {
    at: flags.of(OPTIONS.at),
    toStream: streamOf(flags.of(OPTIONS.toStream)),
    onProgress: (done, total) => finding.update(done, total),
  }, signal).finally(() => finding.end());
  const isExecuted = flags.has(OPTIONS.execute);
  const result: Record<string, unknown> = {
    applicationName: fleet.applicationName,
    newApplicationName: as,
    isExecuted,
    from: plan.fromMs === undefined ? null : new Date(plan.fromMs).toISOString(),
    changes: changesJson(plan),
  };
  print(...changeLines(plan, terminal.columns));
  if (plan.fromMs !== undefined) {
    print(`Every record from ${new Date(plan.fromMs).toISOString()} on is read.`);
  }
  let code = 0;
  const writings = writingsOf(plan.changes);
  if (writings.length === 0) {
    print(`Application ${oneLine(fleet.applicationName)} has no leases: nothing is copied.`);
  } else if (!isExecuted) print("Nothing is written yet: --execute writes.");
  else {
    const leaseStore = await makeTable(fleet, as, description, signal);
    const writing = terminal.progress("Writing leases", "lease");
    const report = await applyChanges(
      leaseStore,
      writings,
      (done, total) => writing.update(done, total),
      signal,
    );
    writing.end();
    Object.assign(result, reportJson(report));
    const isDone = report.written.length === writings.length;
    print(...reportLines(
      report,
      isDone
        ? `Start its workers with --application ${as}`
        : `Delete table ${as} first: leases that are there already are refused`,
    ));
    code = isDone ? 0 : 1;
  }
  if (isJson) terminal.print(JSON.stringify(result, undefined, 2));
  return code;
}

/** @throws {Error} when the table of the new application has leases, or is this one's. */
async function ensureFree(fleet: FleetAccess, as: string, signal: AbortSignal): Promise<void> {
  const refused = (got: string) =>
    new Error(`Cannot clone to "${as}": expected a table without leases: got ${got}: choose another name`);
  if (as === fleet.tableName) throw refused("the table that is copied");
  if (await fleet.dynamodb.describeTable(as, signal) === undefined) return;
  if (await newLeaseStore(fleet, as, undefined).someLease(signal) !== undefined) {
    throw refused("one with leases");
  }
}

function streamOf(text: string | undefined): StreamReference | undefined {
  if (text === undefined) return undefined;
  return text.startsWith("arn:")
    ? { streamName: parseStreamArn(text).streamName, streamArn: text }
    : { streamName: text, streamArn: undefined };
}

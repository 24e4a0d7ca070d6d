/**
 * Runs `kclite clone`.
 *
 * @module
 */

import { oneLine } from "../../observe/one_line.ts";
import { applyChanges, type ApplyReport, writingsOf } from "../../operate/change/apply_changes.ts";
import { clonePlanOf } from "../../operate/change/clone.ts";
import { billingLike, lookAtTarget, openTarget, remaining } from "../../operate/change/clone_target.ts";
import type { FleetAccess } from "../../operate/fleet_access.ts";
import { missingAction } from "../../operate/look_failure.ts";
import { lookAtTable, type LookOptions, type TableLook } from "../../operate/table_look.ts";
import { reportJson, reportLines } from "./change_text.ts";
import { AS, AT, EXECUTE, TO_STREAM } from "./clone_options.ts";
import { cloneJson, cloneLines, type ShownClone } from "./clone_text.ts";
import { type CommandRun, type Flags, MAX_RCU, WrongUsage } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function clone({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const as = flags.of(AS);
  if (as === undefined) throw new WrongUsage("Expected --as with the name of the new application: got none");
  const { terminal, signal, isJson } = context;
  const fleet = await context.openFleet();
  const shown = await planned(fleet, as, flags, context);
  const writings = writingsOf(shown.plan.changes);
  const isExecuted = flags.has(EXECUTE);
  const result: Record<string, unknown> = {
    applicationName: fleet.applicationName,
    newApplicationName: as,
    isExecuted,
    ...cloneJson(shown),
  };
  const print = (...lines: readonly string[]) => {
    if (!isJson) terminal.print(...lines);
  };
  print(...cloneLines(shown, terminal.columns));
  let code = 0;
  if (writings.length === 0) print("The copy is complete: nothing is to be written.");
  else if (!isExecuted) print("Nothing is written yet: --execute writes.");
  else {
    const leaseStore = await openTarget(fleet, as, shown.billing, signal);
    const progress = terminal.progress("Writing leases", "lease");
    const report = await applyChanges(
      leaseStore,
      writings,
      (done, total) => progress.update(done, total),
      signal,
    ).finally(() => progress.end());
    Object.assign(result, reportJson(report));
    const isDone = report.written.length === writings.length;
    print(...reportLines(report, isDone ? startText(shown) : onwardText(as, report)));
    code = isDone ? 0 : 1;
  }
  if (isJson) terminal.print(JSON.stringify(result, undefined, 2));
  return code;
}

async function planned(
  fleet: FleetAccess,
  as: string,
  flags: Flags,
  { terminal, signal }: OperateContext,
): Promise<ShownClone> {
  const maxRcu = flags.of(MAX_RCU);
  const withProgress = async <T>(
    what: string,
    noun: string,
    work: (onProgress: NonNullable<LookOptions["onProgress"]>) => Promise<T>,
  ): Promise<T> => {
    const progress = terminal.progress(what, noun);
    try {
      return await work((done, total) => progress.update(done, total));
    } finally {
      progress.end();
    }
  };
  const there = await withProgress(
    "Looking at the new table",
    "lease",
    (onProgress) => lookAtTarget(fleet, as, { maxRcu, onProgress }, signal),
  );
  const look = await withProgress(
    "Reading leases",
    "lease",
    (onProgress) => lookAtTable(fleet, { maxRcu, onProgress }, signal),
  );
  ensureLeases(look);
  const toStream = flags.of(TO_STREAM);
  const plan = await withProgress(
    "Finding positions",
    "shard",
    (onProgress) => clonePlanOf(fleet, look, { at: flags.of(AT), toStream, onProgress }, signal),
  );
  return {
    plan: { ...plan, changes: remaining(as, plan.changes, there.leases) },
    there,
    as,
    billing: billingLike(look.description),
    toStream: toStream?.streamName,
  };
}

/** @throws {Error} when there is nothing to copy, or it may not be read. */
function ensureLeases({ tableName, leases, failures }: TableLook): void {
  const failure = failures.find(({ part }) => part === "leases");
  if (failure !== undefined) {
    const action = missingAction(failure.error);
    if (action === undefined) throw failure.error;
    throw new Error(`Cannot clone: expected to be allowed to read table "${tableName}": allow ${action}`, {
      cause: failure.error,
    });
  }
  if (leases.length > 0) return;
  throw new Error(
    `Cannot clone: expected leases in table "${tableName}": got none: start its workers first, or clone another`,
  );
}

function startText({ as, toStream }: ShownClone): string {
  const stream = toStream === undefined ? "" : ` --stream ${oneLine(toStream)}`;
  return `Start its workers with --application ${as}${stream}`;
}

/** How to go on after a part was written. */
function onwardText(as: string, { failed }: ApplyReport): string {
  const [action] = failed.map(({ error }) => missingAction(error)).filter((name) => name !== undefined);
  return (action === undefined ? "" : `Allow ${action} first. `) +
    `If positions have moved meanwhile, it refuses: then delete table ${as}, and clone again.`;
}

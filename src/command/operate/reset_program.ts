/**
 * Runs `kclite reset`.
 *
 * @module
 */

import { readFile, writeNewFile } from "../../host/files.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { Progress } from "../../terminal/terminal.ts";
import type { FleetAccess } from "../../operate/fleet_access.ts";
import type { TableLook } from "../../operate/table_look.ts";
import { applyChanges, writingsOf } from "../../operate/change/apply_changes.ts";
import { exportIn, exportText, planRestore } from "../../operate/change/lease_export.ts";
import type { TargetPosition } from "../../operate/change/positions.ts";
import { lookAgain, lookToChange, type ResetPlan, resetPlanOf } from "../../operate/change/reset.ts";
import {
  isQuiet,
  lookIntervalMs,
  type SignsOfLife,
  signsOfLife,
} from "../../operate/change/signs_of_life.ts";
import { forgetText } from "../../sql/statements.ts";
import { aliveLines, changeLines, changesJson, reportJson, reportLines } from "./change_text.ts";
import { type CommandRun, type Flags, MAX_RCU, WrongUsage } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { RESET_OPTIONS as OPTIONS } from "./reset_options.ts";

/** Runs it. */
export async function reset({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const problem = problemOf(flags);
  if (problem !== undefined) throw new WrongUsage(problem);
  const fleet = await context.openFleet();
  return await new ResetRun(fleet, flags, context).run();
}

/** What is wrong with the options together. */
function problemOf(flags: Flags): string | undefined {
  const ways = [OPTIONS.to, OPTIONS.byDuration, OPTIONS.fromFile].filter((option) => flags.has(option));
  const shards = new Set(flags.all(OPTIONS.shard)).size;
  const names = ways.map(({ name }) => `--${name}`).join(" and ");
  if (ways.length > 1) return `Expected one of --to, --by-duration and --from-file: got ${names}`;
  if (ways.length === 0 && (!flags.has(OPTIONS.exportTo) || flags.has(OPTIONS.execute))) {
    return "Expected --to, --by-duration or --from-file: got none";
  }
  if (flags.of(OPTIONS.to)?.type === "sequenceNumber" && shards !== 1) {
    return `Expected one --shard with a sequence number: got ${shards === 0 ? "none" : shards}`;
  }
  if (shards > 0 && (flags.has(OPTIONS.fromFile) || ways.length === 0)) {
    return "Expected no --shard here: a file is of all shards";
  }
  return undefined;
}

class ResetRun {
  readonly #fleet: FleetAccess;
  readonly #flags: Flags;
  readonly #context: OperateContext;
  readonly #result: Record<string, unknown> = {};
  #exportFile: string | undefined;

  constructor(fleet: FleetAccess, flags: Flags, context: OperateContext) {
    this.#fleet = fleet;
    this.#flags = flags;
    this.#context = context;
  }

  async run(): Promise<number> {
    const { signal, system: { clock } } = this.#context;
    const flags = this.#flags;
    const isExecuted = flags.has(OPTIONS.execute);
    const { applicationName, tableName } = this.#fleet;
    Object.assign(this.#result, { applicationName, tableName, isExecuted });
    const look = await this.#look(lookToChange);
    await this.#export(look, flags.of(OPTIONS.exportTo));
    const seen = signsOfLife(undefined, look);
    if (isExecuted && !isQuiet(seen)) return this.#refuse(seen);
    const byDurationMs = flags.of(OPTIONS.byDuration);
    const target: TargetPosition | undefined = byDurationMs === undefined
      ? flags.of(OPTIONS.to)
      : { type: "time", epochMs: clock.epochMs() - byDurationMs };
    const plan = await this.#plan(look, target);
    if (plan === undefined) return this.#end(0);
    const writings = writingsOf(plan.changes);
    this.#result["target"] = target?.type === "time"
      ? new Date(target.epochMs).toISOString()
      : target?.type ?? "file";
    this.#result["changes"] = changesJson(plan);
    this.#print(targetLine(target));
    this.#print(...changeLines(plan, this.#context.terminal.columns));
    this.#printSql(plan);
    if (writings.length === 0) return this.#end(0, "Nothing is to be written.");
    if (!isExecuted) {
      this.#noteAlive(seen);
      return this.#end(0, "Nothing is written yet: --execute writes.");
    }
    const waitS = Math.ceil(lookIntervalMs(look, this.#fleet) / 1000);
    this.#print(`Waiting ${waitS} s: a live worker renews its leases in that time.`);
    const { signs } = await this.#look((fleet, options) => lookAgain(fleet, look, options, signal));
    if (!isQuiet(signs)) return this.#refuse(signs);
    const fileName = this.#exportFile ??
      await this.#export(look, defaultFileName(applicationName, clock.epochMs()));
    const progress = this.#context.terminal.progress("Writing leases", "lease");
    const report = await applyChanges(
      this.#fleet.leaseStore,
      writings,
      (done, total) => progress.update(done, total),
      signal,
    );
    progress.end();
    Object.assign(this.#result, reportJson(report));
    this.#print(...reportLines(report, `Undo: --from-file ${oneLine(fileName ?? "")} --execute`));
    return this.#end(report.written.length === writings.length ? 0 : 1);
  }

  async #look<T>(
    look: (
      fleet: FleetAccess,
      options: Parameters<typeof lookToChange>[1],
      signal: AbortSignal,
    ) => Promise<T>,
  ): Promise<T> {
    const { terminal } = this.#context;
    // Begun by the first page: a second look waits before it reads.
    let progress: Progress | undefined;
    try {
      const onProgress = (read: number, total: number | undefined) => {
        progress ??= terminal.progress("Reading leases", "lease");
        progress.update(read, total);
      };
      return await look(this.#fleet, { maxRcu: this.#flags.of(MAX_RCU), onProgress }, this.#context.signal);
    } finally {
      progress?.end();
    }
  }

  /** What a database needs that keeps positions of its own: without rows, the leases count again. */
  #printSql({ changes }: ResetPlan): void {
    const table = this.#flags.of(OPTIONS.sqlTable);
    if (table === undefined) return;
    const dialect = this.#flags.of(OPTIONS.dialect) ?? "postgres";
    // What is there already: the database may be elsewhere.
    const chosen = changes.filter((change) => change.type !== "keep" || change.reason === "same");
    const leaseKeys = chosen.map((change) => change.lease.leaseKey);
    if (leaseKeys.length === 0) return;
    const sql = forgetText(dialect, table, this.#fleet.applicationName, leaseKeys);
    this.#result["sql"] = sql;
    this.#print(
      "The database keeps its own positions. Run this in it while all workers are stopped:",
      ...sql.split("\n"),
    );
  }

  /** @returns undefined when no position is asked for. */
  async #plan({ leases }: TableLook, target: TargetPosition | undefined): Promise<ResetPlan | undefined> {
    const file = this.#flags.of(OPTIONS.fromFile);
    if (file !== undefined) {
      const { applicationName, tableName, leases: exported } = exportIn(
        new TextDecoder().decode(await readFile(file)),
        file,
      );
      if (tableName !== this.#fleet.tableName) {
        throw new RangeError(
          `Cannot reset: expected a file of table "${this.#fleet.tableName}": got one of table ` +
            `"${oneLine(tableName)}" of application "${oneLine(applicationName)}"`,
        );
      }
      return { changes: planRestore(exported, leases), arrivals: new Map() };
    }
    if (target === undefined) return undefined;
    const progress = this.#context.terminal.progress("Finding positions", "shard");
    try {
      return await resetPlanOf(this.#fleet, leases, {
        target,
        shards: this.#flags.all(OPTIONS.shard),
        onProgress: (done, total) => progress.update(done, total),
      }, this.#context.signal);
    } finally {
      progress.end();
    }
  }

  async #export({ leases }: TableLook, file: string | undefined): Promise<string | undefined> {
    if (file === undefined) return undefined;
    const { applicationName, tableName, system: { clock } } = this.#fleet;
    const exportedAt = new Date(clock.epochMs()).toISOString();
    await writeNewFile(file, exportText({ applicationName, tableName, exportedAt, leases }));
    this.#exportFile = file;
    this.#result["exportFile"] = file;
    this.#print(`The leases as they are: ${oneLine(file)}`);
    return file;
  }

  #refuse(signs: SignsOfLife): number {
    this.#noteAlive(signs);
    return this.#end(1, "Refused: the application is running. Nothing is written.");
  }

  #noteAlive(signs: SignsOfLife): void {
    this.#result["alive"] = {
      workers: signs.reports.map(({ workerId, ageS }) => ({ workerId, reportAgeS: ageS })),
      movedLeases: signs.moved,
    };
    this.#print(...aliveLines(signs));
  }

  #print(...lines: readonly string[]): void {
    if (!this.#context.isJson && lines.length > 0) this.#context.terminal.print(...lines);
  }

  #end(code: number, line?: string): number {
    if (line !== undefined) this.#print(line);
    if (this.#context.isJson) this.#context.terminal.print(JSON.stringify(this.#result, undefined, 2));
    return code;
  }
}

function targetLine(target: TargetPosition | undefined): string {
  switch (target?.type) {
    case undefined:
      return "To where the leases of the file stand:";
    case "earliest":
      return "To the oldest record of each shard:";
    case "latest":
      return "To what arrives from now on:";
    case "time":
      return `To what arrived at ${new Date(target.epochMs).toISOString()} or later:`;
    case "sequenceNumber":
      return `To record ${target.sequenceNumber}:`;
  }
}

/** In the working folder. */
function defaultFileName(applicationName: string, epochMs: number): string {
  const name = applicationName.replaceAll(/[^\w.-]/g, "_").slice(0, 100);
  return `kclite-reset-${name}-${new Date(epochMs).toISOString().replaceAll(/[:.]/g, "-")}.json`;
}

/**
 * Runs `kclite lag`: looks at table and shards, twice, and shows how far each is behind.
 *
 * @module
 */

import type { FleetAccess } from "../../operate/fleet_access.ts";
import { lagGlimpseOf, type LagReport, lagReport, leasesOver } from "../../operate/lag_report.ts";
import { type LagLook, type LagLookOptions, lookAtLag } from "../../operate/lag_look.ts";
import type { Progress } from "../../terminal/terminal.ts";
import { type CommandRun, type Flags, MAX_RCU, WrongUsage } from "./command_spec.ts";
import { BETWEEN, EVERY, MAX, WATCH } from "./lag_options.ts";
import { lagLines, overLines } from "./lag_text.ts";
import type { OperateContext } from "./operate_context.ts";

/** Of the failover time, as `describe` waits. */
const BETWEEN_SHARE = 0.4;

/** Each look takes a read of every shard from its consumers. */
const LEAST_EVERY_MS = 10_000;

const EVERY_MS = 30_000;

/** Runs it. */
export async function lag({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const everyMs = everyOf(flags);
  const { terminal, signal, isJson, system: { clock } } = context;
  const fleet = await context.openFleet();
  const { options: { initialPositionInStream } } = await context.configuration();
  const initialTimestampMs = initialPositionInStream instanceof Date
    ? initialPositionInStream.getTime()
    : undefined;
  const look = (what: string) =>
    looked(
      fleet,
      { maxRcu: flags.of(MAX_RCU), initialTimestampMs, progress: terminal.progress(what, "shard") },
      signal,
    );
  const maxMs = flags.of(MAX);
  const betweenMs = flags.of(BETWEEN) ?? fleet.failoverTimeMs * BETWEEN_SHARE;
  if (everyMs === undefined) {
    const before = betweenMs === 0 ? undefined : lagGlimpseOf(await look("Reading shards"));
    if (before !== undefined) await clock.sleep(betweenMs, signal);
    const report = lagReport(before, await look("Reading shards again"));
    if (isJson) terminal.print(JSON.stringify(report, undefined, 2));
    else terminal.printLines(lagLines(report, styleOf(context)));
    return verdict(report, maxMs, context);
  }
  const view = isJson || !terminal.isTerminal ? undefined : terminal.live();
  let before = lagGlimpseOf(await look("Reading shards"));
  let pauseMs = betweenMs;
  try {
    while (true) {
      await clock.sleep(pauseMs, signal);
      pauseMs = everyMs;
      const now = await look("Reading shards");
      const report = lagReport(before, now);
      if (view === undefined) terminal.print(JSON.stringify(report));
      else view.show(lagLines(report, styleOf(context)));
      await terminal.drained();
      if (maxMs !== undefined && leasesOver(report, maxMs).length > 0) {
        view?.end();
        return verdict(report, maxMs, context);
      }
      before = lagGlimpseOf(now);
    }
  } finally {
    view?.end();
  }
}

/** @returns undefined when it does not watch. */
function everyOf(flags: Flags): number | undefined {
  const everyMs = flags.of(EVERY);
  if (!flags.has(WATCH)) {
    if (everyMs !== undefined) throw new WrongUsage("Expected --every with --watch: got it alone");
    return undefined;
  }
  if (everyMs !== undefined && everyMs < LEAST_EVERY_MS) {
    throw new WrongUsage(`Expected --every of at least 10s: got ${everyMs} ms: each look reads every shard`);
  }
  return everyMs ?? EVERY_MS;
}

function styleOf({ terminal }: OperateContext): Parameters<typeof lagLines>[1] {
  return { columns: terminal.columns, paint: (tone, text) => terminal.paint(tone, text) };
}

async function looked(
  fleet: FleetAccess,
  { maxRcu, initialTimestampMs, progress }: Pick<LagLookOptions, "maxRcu" | "initialTimestampMs"> & {
    readonly progress: Progress;
  },
  signal: AbortSignal,
): Promise<LagLook> {
  const onShard = (read: number, total: number) => progress.update(read, total);
  try {
    return await lookAtLag(fleet, { maxRcu, initialTimestampMs, onShard }, signal);
  } finally {
    progress.end();
  }
}

/** The exit code. Shards over the limit are named. */
function verdict(report: LagReport, maxMs: number | undefined, { log }: OperateContext): number {
  const over = maxMs === undefined ? [] : leasesOver(report, maxMs);
  if (maxMs !== undefined) { for (const text of overLines(over, maxMs)) log({ level: "error", text }); }
  const isOver = over.length > 0 || (maxMs !== undefined && report.openShardsWithoutLease.length > 0);
  return isOver || report.notRead.length > 0 ? 1 : 0;
}

/**
 * Runs `kclite describe`: looks at the table, twice, and shows what it has seen.
 *
 * @module
 */

import { describeFleet, type FleetDescription, glimpseOf } from "../../operate/describe.ts";
import type { FleetAccess } from "../../operate/fleet_access.ts";
import { lookAtTable, type TableLook } from "../../operate/table_look.ts";
import { type CommandRun, MAX_RCU } from "./command_spec.ts";
import { BETWEEN, LEASES, WATCH, WORKERS } from "./describe_options.ts";
import { descriptionLines, type DescriptionStyle } from "./describe_text.ts";
import type { OperateContext } from "./operate_context.ts";

/** Of the failover time: a live owner renews each third of it. */
const BETWEEN_SHARE = 0.4;

/** A view is drawn again after this time at the earliest, in ms. */
const LEAST_WATCH_MS = 1000;

/** Runs it. */
export async function describe({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, signal, isJson, system: { clock } } = context;
  const fleet = await context.openFleet();
  const betweenMs = flags.of(BETWEEN) ?? fleet.failoverTimeMs * BETWEEN_SHARE;
  const look = (what: string) => looked(fleet, what, flags.of(MAX_RCU), context);
  const style: DescriptionStyle = {
    columns: terminal.columns,
    paint: (tone, text) => terminal.paint(tone, text),
    sections: new Set(
      flags.has(LEASES) || flags.has(WORKERS)
        ? [
          ...(flags.has(WORKERS) ? ["workers" as const] : []),
          ...(flags.has(LEASES) ? ["leases" as const] : []),
        ]
        : ["summary", "workers", "leases"],
    ),
  };
  const json = (description: FleetDescription, indent?: number) =>
    JSON.stringify(chosen(description, style.sections), undefined, indent);
  let before = betweenMs === 0 && !flags.has(WATCH) ? undefined : glimpseOf(await look("Reading leases"));
  if (!flags.has(WATCH)) {
    if (before !== undefined) await clock.sleep(betweenMs, signal);
    const description = describeFleet(before, await look("Reading leases again"));
    if (isJson) terminal.print(json(description, 2));
    else terminal.printLines(descriptionLines(description, style));
    return isSeen(description) ? 0 : 1;
  }
  const view = isJson ? undefined : terminal.live();
  try {
    while (true) {
      await clock.sleep(Math.max(LEAST_WATCH_MS, betweenMs), signal);
      const now = await look("Reading leases");
      const description = describeFleet(before, now);
      if (view === undefined) terminal.print(json(description));
      else view.show(descriptionLines(description, { ...style, columns: terminal.columns }));
      await terminal.drained();
      before = glimpseOf(now);
    }
  } finally {
    view?.end();
  }
}

async function looked(
  fleet: FleetAccess,
  what: string,
  maxRcu: number | undefined,
  { terminal, signal }: OperateContext,
): Promise<TableLook> {
  const progress = terminal.progress(what, "lease");
  try {
    return await lookAtTable(
      fleet,
      { maxRcu, onProgress: (read, total) => progress.update(read, total) },
      signal,
    );
  } finally {
    progress.end();
  }
}

/** The sections that were asked for, and what could not be read. */
function chosen(
  description: FleetDescription,
  sections: DescriptionStyle["sections"],
): Partial<FleetDescription> {
  if (sections.has("summary")) return description;
  const { tableName, time, betweenMs, workers, leases, notRead } = description;
  return {
    tableName,
    time,
    betweenMs,
    ...(sections.has("workers") ? { workers } : {}),
    ...(sections.has("leases") ? { leases } : {}),
    notRead,
  };
}

/** Whether anything but the table's settings was read. */
function isSeen({ leases, workers, notRead }: FleetDescription): boolean {
  return notRead.length === 0 || leases.length > 0 || workers.length > 0;
}

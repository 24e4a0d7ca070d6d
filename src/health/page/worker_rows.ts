// Pure.
/**
 * The table of workers, the ones to look at first.
 *
 * @module
 */

import { bytesText, numberText } from "../../observe/format.ts";
import { barSvg } from "./drawing.ts";
import type { WorkerLine } from "./fleet_picture.ts";
import { markHtml, tagHtml, timeText } from "./html_text.ts";
import type { OwnerColours } from "./owner_colours.ts";
import { ownerHtml, rowId } from "./shard_rows.ts";

/** Workers that are shown. A row has about 700 bytes. */
export const WORKERS = 100;

/** Columns in order. */
export const WORKER_COLUMNS: readonly string[] = ["Worker", "Leases", "CPU", "Throughput", "Report"];

/** From here on a CPU is shown as busy, in percent. Java KCL moves leases away from a worker above 95. */
const BUSY_PERCENT = 95;

/** The rows by the id of their elements, in order. */
export function workerRows(
  workers: readonly WorkerLine[],
  colours: OwnerColours,
): ReadonlyMap<string, string> {
  const most = Math.max(1, ...workers.map(({ leases }) => leases));
  const mostKBps = Math.max(1, ...workers.map(({ kBps }) => kBps));
  const rows = new Map<string, string>();
  for (const worker of [...workers].sort(worstFirst).slice(0, WORKERS)) {
    rows.set(rowId("w", worker.workerId, rows), cells(worker, colours, { most, mostKBps }));
  }
  return rows;
}

function cells(
  worker: WorkerLine,
  colours: OwnerColours,
  { most, mostKBps }: { readonly most: number; readonly mostKBps: number },
): string {
  const { workerId, isLeader, isOwn, isDraining, state, leases, cpuPercent, kBps, reportAgeMs } = worker;
  const tags = [
    ...(isLeader ? [tagHtml("leader")] : []),
    ...(isOwn ? [tagHtml("shows this page")] : []),
    ...(isDraining ? [tagHtml("draining", "warning")] : []),
    ...(state === "silent" ? [tagHtml("silent", "error")] : []),
  ];
  const cpu = cpuPercent === undefined
    ? "–"
    : `${barSvg(cpuPercent / 100, cpuPercent >= BUSY_PERCENT ? "warning" : "plain")}${
      Math.round(cpuPercent)
    } %`;
  const report = reportAgeMs === undefined ? "none" : `${timeText(reportAgeMs)} ago`;
  return `<th scope="row">${markHtml(levelOf(worker))}${ownerHtml(workerId, colours)} ${
    tags.join(" ")
  }</th>` +
    `<td class="leases">${barSvg(leases / most, "plain")}${numberText(leases)}</td>` +
    `<td class="cpu">${cpu}</td>` +
    `<td class="data">${barSvg(kBps / mostKBps, "plain")}${bytesText(kBps * 1024)}/s</td>` +
    `<td class="report${state === "silent" ? " errorText" : ""}">${report}</td>`;
}

function levelOf({ state, isDraining }: WorkerLine): "good" | "warning" | "error" {
  return state === "silent" ? "error" : isDraining ? "warning" : "good";
}

function worstFirst(a: WorkerLine, b: WorkerLine): number {
  return rank(b) - rank(a) || (a.workerId < b.workerId ? -1 : 1);
}

function rank(worker: WorkerLine): number {
  return { good: 0, warning: 1, error: 2 }[levelOf(worker)];
}

// Pure.
/**
 * The page for a person who opens the address of the health app. It shows how the worker is, what is wrong,
 * and one line for each shard. Plain HTML without scripts; the browser loads it again every five seconds.
 *
 * @module
 */

import { bytesText, counted, durationText, numberText, shortPosition } from "../../observe/format.ts";
import { largestLagMs } from "../../observe/lag.ts";
import { heldShards, lagMs, type ShardTotals } from "../../observe/shard_totals.ts";
import type { Snapshot } from "../../observe/totals.ts";
import { textOf } from "../../stream/sequence_number.ts";
import { VERSION } from "../../version.ts";
import type { Fault, Health } from "../../observe/verdict.ts";

/**
 * The page.
 *
 * @param prefix What leads from the page's own address to its siblings, e.g. `./` or `./kclite/`.
 */
export function pageHtml(snapshot: Snapshot, health: Health, prefix: string): string {
  const { worker } = snapshot;
  const name = worker.applicationName ?? "kclite";
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>${escapeHtml(name)}: ${health.healthy ? "healthy" : "failing"}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(name)}</h1>
<strong class="${health.healthy ? "good" : "bad"}">${health.healthy ? "healthy" : "failing"}</strong>
<nav>${["health", "live", "ready", "lag", "metrics"].map((path) => link(prefix, path)).join(" ")}</nav>
</header>
${faultList(health.faults)}${figures(snapshot)}${shardTable(snapshot, health.faults)}<footer>kclite ${
    escapeHtml(VERSION)
  }, ${escapeHtml(new Date(snapshot.epochMs).toISOString())}</footer>
</body>
</html>
`;
}

/** Text made safe inside an element and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

function link(prefix: string, path: string): string {
  return `<a href="${escapeHtml(prefix + path)}">/${path}</a>`;
}

function faultList(faults: readonly Fault[]): string {
  if (faults.length === 0) return "";
  const items = faults.map(({ leaseKey, text }) =>
    `<li>${leaseKey === undefined ? "" : `<b>${escapeHtml(leaseKey)}</b> `}${escapeHtml(text)}</li>`
  );
  return `<ul class="faults">\n${items.join("\n")}\n</ul>\n`;
}

function figures(snapshot: Snapshot): string {
  const { worker, shards } = snapshot;
  const total = (name: string) => snapshot.series.find((series) => series.name === name)?.sum ?? 0;
  const largest = largestLagMs(snapshot);
  const skipped = total("skipped_records_total");
  const pairs: readonly (readonly [string, string])[] = [
    [worker.streams.length > 1 ? "Streams" : "Stream", streamsText(worker.streams)],
    ["Worker", `${worker.workerId ?? "–"}${worker.leader ? " (leader)" : ""}`],
    ["State", worker.phase],
    ["Shards held", numberText(heldShards(shards).length)],
    ["Furthest behind", largest === undefined ? "–" : durationText(largest)],
    [
      "Processed",
      `${counted(total("processed_records_total"), "record")}, ${bytesText(total("processed_bytes_total"))}`,
    ],
    ...(skipped === 0 ? [] : [["Skipped", counted(skipped, "record")] as const]),
    ...(worker.fleet === undefined ? [] : [
      [
        "Fleet",
        `${counted(worker.fleet.workers, "worker")}, ${counted(worker.fleet.leases, "lease")}`,
      ] as const,
    ]),
  ];
  const items = pairs.map(([term, value]) => `<div><dt>${term}</dt><dd>${escapeHtml(value)}</dd></div>`);
  return `<dl>\n${items.join("\n")}\n</dl>\n`;
}

function shardTable(snapshot: Snapshot, faults: readonly Fault[]): string {
  if (snapshot.shards.length === 0) return "<p>No shard is held.</p>\n";
  const faulty = new Set(faults.map((fault) => fault.leaseKey));
  const heads = ["Shard", "Phase", "Lag", "Checkpoint", "Records", "Last progress", "Note"];
  // What is held comes first; both parts by lease key.
  const shards = [...snapshot.shards].sort((a, b) =>
    Number(a.ended !== undefined) - Number(b.ended !== undefined)
  );
  const rows = shards.map((shard) => {
    const kind = shard.ended !== undefined ? "over" : faulty.has(shard.leaseKey) ? "faulty" : "";
    return `<tr class="${kind}">${cells(shard, snapshot.atMs).join("")}</tr>`;
  });
  return `<div class="wide"><table>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
`;
}

function cells(shard: ShardTotals, nowMs: number): readonly string[] {
  const lag = lagMs(shard, nowMs);
  const isOver = shard.ended !== undefined;
  return [
    // Of many streams a key is long: it may be broken between its parts.
    `<th scope="row">${escapeHtml(shard.leaseKey).replaceAll(":", ":<wbr>")}</th>`,
    cell(shard.phase),
    cell(lag === undefined || isOver ? "–" : durationText(lag), "figure"),
    `<td title="${escapeHtml(textOf(shard.checkpoint))}">${escapeHtml(shortPosition(shard.checkpoint))}</td>`,
    cell(numberText(shard.recordsProcessed), "figure"),
    cell(`${durationText(nowMs - shard.lastProgressMs)} ago`, "figure"),
    cell(note(shard, nowMs)),
  ];
}

function note(shard: ShardTotals, nowMs: number): string {
  const notes: string[] = [];
  if (shard.ended !== undefined) {
    notes.push(shard.ended.why === "completed" ? "completed" : `no longer held: ${shard.ended.why}`);
  }
  if (shard.blockedBy.length > 0) notes.push(`waits for ${shard.blockedBy.join(" and ")}`);
  if (shard.callback !== undefined) {
    notes.push(`in ${shard.callback.name} for ${durationText(nowMs - shard.callback.sinceMs)}`);
  }
  if (shard.recordsSkipped > 0) notes.push(`${counted(shard.recordsSkipped, "record")} skipped`);
  if (shard.lastError !== undefined) {
    notes.push(`${durationText(nowMs - shard.lastError.atMs)} ago: ${shard.lastError.text}`);
  }
  return notes.join("; ");
}

function cell(text: string, kind?: string): string {
  return `<td${kind === undefined ? "" : ` class="${kind}"`}>${escapeHtml(text)}</td>`;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #888; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; padding: 0 1rem; max-width: 80rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
strong { border-radius: 1rem; padding: .05rem .8rem; color: #fff; }
.good { background: #1a7f37; }
.bad { background: #c62828; }
nav { margin-left: auto; }
nav a { margin-left: .6rem; }
.faults { border-left: .3rem solid #c62828; margin: 1rem 0; padding: .2rem 0 .2rem 1.8rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.2rem 0; }
dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--dim); font-size: .85rem; font-weight: normal; }
tbody th { font-weight: normal; }
tbody th, td:not(:last-child) { white-space: nowrap; }
td:last-child { min-width: 16rem; overflow-wrap: anywhere; }
.figure { font-variant-numeric: tabular-nums; }
.faulty th { color: #c62828; font-weight: bold; }
.over { color: var(--dim); }
footer { color: var(--dim); font-size: .85rem; margin-top: 1rem; }
`;

/** Some by name, the others by number. */
function streamsText(streams: readonly string[]): string {
  const shown = streams.slice(0, SHOWN_STREAMS);
  const more = streams.length - shown.length;
  return shown.length === 0 ? "–" : `${shown.join(", ")}${more === 0 ? "" : ` and ${numberText(more)} more`}`;
}

const SHOWN_STREAMS = 5;

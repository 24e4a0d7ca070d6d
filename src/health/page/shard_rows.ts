// Pure.
/**
 * The table of shards: which of them a view shows, and the cells of each. What a row is, stands in its cells
 * alone, so that a live page replaces the inside of a row and never the row.
 *
 * @module
 */

import { bytesText, numberText } from "../../observe/format.ts";
import { lineSvg } from "./drawing.ts";
import type { FleetPicture, ShardLine } from "./fleet_picture.ts";
import { keyHtml, type Level, markHtml, safeText, tagHtml, timeText } from "./html_text.ts";
import { hashOf, type OwnerColours } from "./owner_colours.ts";
import type { PageView, ShardOrder } from "./page_view.ts";

/** What of the shards a view shows. */
export interface ShardChoice {
  readonly shown: readonly ShardLine[];
  /** How many the search finds. */
  readonly found: number;
  /** The page that is shown: the last one, when a page is asked for that is not there. */
  readonly page: number;
  readonly pages: number;
}

/** Columns in order: title, and the order that it sorts by. */
export const SHARD_COLUMNS: readonly {
  readonly title: string;
  readonly order: ShardOrder | undefined;
}[] = [
  { title: "Shard", order: "shard" },
  { title: "Worker", order: "worker" },
  { title: "Lag", order: "lag" },
  { title: "Last hour", order: undefined },
  { title: "Records/s", order: "rate" },
  { title: "Checkpoint", order: "checkpoint" },
  { title: "State", order: undefined },
  { title: "Notes", order: undefined },
];

/** The shards that a view shows. */
export function chosenShards(shards: readonly ShardLine[], view: PageView): ShardChoice {
  const { find, order, rows } = view;
  const wanted = find.toLowerCase();
  const found = wanted === ""
    ? shards
    : shards.filter(({ leaseKey, owner, nextOwner }) =>
      [leaseKey, owner ?? "", nextOwner ?? ""].some((text) => text.toLowerCase().includes(wanted))
    );
  const compare = COMPARISONS[order];
  const sorted = compare === undefined ? found : found.toSorted(compare);
  const pages = Math.max(1, Math.ceil(found.length / rows));
  const page = Math.min(view.page, pages);
  return { shown: sorted.slice((page - 1) * rows, page * rows), found: found.length, page, pages };
}

/** The rows by the id of their elements, in order. */
export function shardRows(
  shards: readonly ShardLine[],
  { sums }: FleetPicture,
  colours: OwnerColours,
): ReadonlyMap<string, string> {
  const rows = new Map<string, string>();
  for (const shard of shards) {
    const id = rowId("s", shard.leaseKey, rows);
    rows.set(id, cells(shard, colours, sums.warnBelowMs));
  }
  return rows;
}

/** The id of a row: the same for the same name, and fit for an attribute whatever the name is. */
export function rowId(kind: string, name: string, taken: ReadonlyMap<string, unknown>): string {
  const id = kind + hashOf(name).toString(36);
  let free = id;
  for (let number = 2; taken.has(free); number++) free = `${id}-${number}`;
  return free;
}

/** A worker's name with its colour. */
export function ownerHtml(owner: string, colours: OwnerColours): string {
  const name = safeText(owner, 200);
  return `<span class="owner" title="${name}"><i class="dot ${
    colours.get(owner) ?? "o0"
  }"></i>${name}</span>`;
}

function cells(shard: ShardLine, colours: OwnerColours, warnBelowMs: number | undefined): string {
  const { leaseKey, owner, nextOwner, isOwn, level, lagMs, recordsPerSecond, kBps, checkpointAgeMs } = shard;
  const owners = owner === undefined ? `<span class="sub">nobody</span>` : ownerHtml(owner, colours) +
    (nextOwner === undefined ? "" : ` <span class="next">→ ${ownerHtml(nextOwner, colours)}</span>`);
  const rate = recordsPerSecond === undefined ? "–" : rateText(recordsPerSecond);
  const data = kBps === undefined ? "" : ` title="${bytesText(kBps * 1024)}/s"`;
  // Of another worker's shard it is known when its checkpoint was first seen, and so how old it is at least.
  const age = checkpointAgeMs === undefined ? "–" : `${isOwn ? "" : "≥ "}${timeText(checkpointAgeMs)}`;
  return `<th scope="row" class="key">${markHtml(level)}${keyHtml(leaseKey)}</th>` +
    `<td class="who">${owners}</td>` +
    `<td class="lag${textClass(level)}">${timeText(lagMs)}</td>` +
    `<td class="hour">${hourOf(shard)}</td>` +
    `<td class="rate"${data}>${rate}</td>` +
    `<td class="age" title="${safeText(shard.checkpoint, 80)}">${age}</td>` +
    `<td class="state">${stateText(shard)}</td>` +
    `<td class="notes">${notesOf(shard, warnBelowMs).join(" ")}</td>`;
}

function hourOf({ lagHistory, level }: ShardLine): string {
  const known = lagHistory.filter((figure) => figure !== undefined);
  const label = known.length === 0 ? "" : `at most ${timeText(Math.max(...known))}`;
  return lineSvg(lagHistory, { floor: CALM_LAG_MS, label, kind: level, height: 24, isFilled: false });
}

/** Lag below this is drawn as what it is: next to nothing. In ms. */
export const CALM_LAG_MS = 2000;

function notesOf(shard: ShardLine, warnBelowMs: number | undefined): readonly string[] {
  const { notes, trimmedInMs, level } = shard;
  const isShort = trimmedInMs !== undefined && warnBelowMs !== undefined && trimmedInMs < warnBelowMs;
  return [
    ...(isShort ? [tagHtml(`trimmed in ${timeText(trimmedInMs)}`, "error")] : []),
    ...notes.slice(0, NOTES).map((note) => tagHtml(note, level)),
    ...(notes.length > NOTES ? [tagHtml(`${notes.length - NOTES} more`)] : []),
  ];
}

/** Notes that are shown of a shard. */
const NOTES = 4;

/** A rate: small ones with a digit behind the point. */
export function rateText(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : numberText(perSecond);
}

function textClass(level: Level): string {
  return level === "good" ? "" : ` ${level}Text`;
}

function stateText({ phase, state }: ShardLine): string {
  switch (phase) {
    case undefined:
      break;
    case "waitingOnParents":
      return "waits for its parents";
    case "shutdownRequested":
      return "shutting down";
    case "shardEnded":
      return "shard ended";
    case "leaseLost":
      return "lease lost";
    default:
      return phase;
  }
  switch (state) {
    case "notRenewed":
      return "not renewed";
    case "free":
      return "nobody reads it";
    default:
      return state;
  }
}

type Comparison = (a: ShardLine, b: ShardLine) => number;

/** Without one: the picture's own order, the worst first. What is not known comes last. */
const COMPARISONS: Readonly<Record<ShardOrder, Comparison | undefined>> = {
  worst: undefined,
  shard: (a, b) => byText(a.leaseKey, b.leaseKey),
  worker: (a, b) => byText(a.owner ?? "", b.owner ?? "") || byText(a.leaseKey, b.leaseKey),
  lag: (a, b) => (b.lagMs ?? -1) - (a.lagMs ?? -1),
  rate: (a, b) => (b.recordsPerSecond ?? -1) - (a.recordsPerSecond ?? -1),
  checkpoint: (a, b) => (b.checkpointAgeMs ?? -1) - (a.checkpointAgeMs ?? -1),
};

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

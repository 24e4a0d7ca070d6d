// Pure.
/**
 * Who reads which part of each stream, as a bar for each stream. A hole is hatched in red and named in text.
 * Of many streams the worst few are drawn, and a bar of thousands of shards is drawn in slices.
 *
 * @module
 */

import { counted, numberText } from "../../observe/format.ts";
import { percent } from "./drawing.ts";
import type { StreamRanges } from "./fleet_picture.ts";
import { markHtml, safeText, shortKey } from "./html_text.ts";
import type { OwnerColours } from "./owner_colours.ts";

/** Streams that are drawn. */
const STREAMS = 6;
/** Pieces of all bars together: each takes about 120 bytes. */
const PIECES = 480;
/** Up to this many shards each piece has the number of its shard. */
const NUMBERED = 32;
/** Parts that are named in text. */
const NAMED = 5;
/** Workers in the legend. */
const LEGEND = 16;

type Part = StreamRanges["parts"][number];

/** All bars with their texts. */
export function rangesHtml(ranges: readonly StreamRanges[], colours: OwnerColours): string {
  if (ranges.length === 0) return `<p class="sub">Not known yet.</p>`;
  const withKeys = ranges.filter(({ parts }) => parts.length > 0);
  if (withKeys.length === 0) return `<p class="sub">${NO_KEYS}</p>`;
  const judged = withKeys.map((range) => ({
    range,
    holes: lacking(range, isHole),
    unread: lacking(range, isUnread),
  }));
  const worst = judged.toSorted((a, b) => b.holes - a.holes || b.unread - a.unread).slice(0, STREAMS);
  const hidden = judged.filter((one) => !worst.includes(one));
  const pieces = Math.floor(PIECES / worst.length);
  const bars = worst.map(({ range }) => barOf(range, { colours, pieces, isNamed: ranges.length > 1 }));
  return bars.join("") + legend(worst.map(({ range }) => range), colours) + moreStreams(hidden);
}

const NO_KEYS =
  "The shards of a DynamoDB stream have no hash keys. Who reads them is in the table of shards.";

interface BarOptions {
  readonly colours: OwnerColours;
  readonly pieces: number;
  readonly isNamed: boolean;
}

function barOf({ streamName, parts }: StreamRanges, { colours, pieces, isNamed }: BarOptions): string {
  const drawn = parts.length > pieces ? slices(parts, pieces) : parts;
  const isFew = parts.length <= NUMBERED;
  const rects = drawn.map((part) => pieceOf(part, colours, isFew)).join("");
  const holes = parts.filter(isHole), unread = parts.filter(isUnread);
  const shards = counted(parts.length - holes.length, "shard");
  const sum = `${shards}, ${holes.length === 0 ? "no hole" : counted(holes.length, "hole")}${
    unread.length === 0 ? "" : `, ${numberText(unread.length)} unread`
  }`;
  const name = isNamed ? `<h3>${safeText(streamName, 200)} <span class="sub">${sum}</span></h3>` : "";
  return `${name}<svg class="range${parts.length <= 10 ? " few" : ""}${
    holes.length + unread.length > 0 ? " bad" : ""
  }" role="img" aria-label="${safeText(streamName, 200)}: ${sum}">${rects}</svg>${
    named("error", "No lease covers", holes.map(span))
  }${
    named(
      "warning",
      "Nobody reads",
      unread.map(({ leaseKey, ...part }) => `${safeText(leaseKey ?? "", 200)} (${span(part)})`),
    )
  }`;
}

function pieceOf(part: Part, colours: OwnerColours, isFew: boolean): string {
  const { leaseKey, owner } = part;
  const from = Math.max(0, part.from), to = Math.min(1, part.to);
  const width = to - from;
  // A gap between pieces, unless they are narrow. What is missing is never too narrow to be seen.
  const shown = isHole(part) ? Math.max(0.004, width) : Math.max(0, width - (isFew ? 0.0016 : 0));
  const kind = leaseKey === undefined ? "hole" : owner === undefined ? "unread" : colours.get(owner) ?? "o0";
  const title = leaseKey === undefined
    ? `hole: ${span(part)}`
    : `${safeText(leaseKey, 200)}: ${owner === undefined ? "nobody reads it" : safeText(owner, 200)}`;
  const rect = `<rect class="${kind}" x="${percent(Math.min(from, 1 - shown))}" width="${
    percent(shown)
  }" height="100%"><title>${title}</title></rect>`;
  const isNumbered = isFew && leaseKey !== undefined && width > 0.02;
  return isNumbered
    ? `${rect}<text class="${kind}" x="${percent((from + to) / 2)}" y="50%">${shortKey(leaseKey)}</text>`
    : rect;
}

/** Equal slices of the range. Each shows the worst part that it touches: a hole, nobody, else its first. */
function slices(parts: readonly Part[], count: number): readonly Part[] {
  const found: (Part | undefined)[] = Array.from({ length: count }, () => undefined);
  for (const part of parts) {
    const last = Math.min(count - 1, Math.ceil(part.to * count) - 1);
    for (let index = Math.min(last, Math.floor(part.from * count)); index <= last; index++) {
      const other = found[index];
      if (other === undefined || badness(part) > badness(other)) found[index] = part;
    }
  }
  return found.flatMap((part, index) =>
    part === undefined ? [] : [{ ...part, from: index / count, to: (index + 1) / count }]
  );
}

function badness(part: Part): number {
  return isHole(part) ? 2 : isUnread(part) ? 1 : 0;
}

function legend(ranges: readonly StreamRanges[], colours: OwnerColours): string {
  const shards = new Map<string, number>();
  for (const { parts } of ranges) {
    for (const { owner } of parts) if (owner !== undefined) shards.set(owner, (shards.get(owner) ?? 0) + 1);
  }
  const owners = [...shards].toSorted(([a], [b]) => a < b ? -1 : 1);
  const items = owners.slice(0, LEGEND).map(([owner, count]) =>
    `<li><i class="dot ${colours.get(owner) ?? "o0"}"></i>${safeText(owner, 200)} <span class="sub">${
      numberText(count)
    }</span></li>`
  );
  const more = owners.length - items.length;
  if (more > 0) items.push(`<li class="sub">and ${counted(more, "worker")} more</li>`);
  return items.length === 0 ? "" : `<ul class="legend">${items.join("")}</ul>`;
}

function moreStreams(hidden: readonly { readonly holes: number; readonly unread: number }[]): string {
  if (hidden.length === 0) return "";
  const bad = hidden.filter(({ holes, unread }) => holes + unread > 0).length;
  return `<p class="sub">and ${counted(hidden.length, "stream")} more, ${
    bad === 0 ? "all of them read in full" : `${numberText(bad)} of them not read in full`
  }</p>`;
}

function named(level: "warning" | "error", what: string, texts: readonly string[]): string {
  if (texts.length === 0) return "";
  const more = texts.length - NAMED;
  return `<p class="${level}Text">${markHtml(level)}${what} ${texts.slice(0, NAMED).join(", ")}${
    more > 0 ? ` and ${numberText(more)} more` : ""
  }.</p>`;
}

function span({ from, to }: Pick<Part, "from" | "to">): string {
  const digits = to - from < 0.01 ? 2 : 1;
  const [start, end] = [from, to].map((part) => Number((100 * part).toFixed(digits)));
  return `${start} to ${end} %`;
}

/** How much of the whole is such. */
function lacking({ parts }: StreamRanges, is: (part: Part) => boolean): number {
  return parts.filter(is).reduce((sum, { from, to }) => sum + to - from, 0);
}

function isHole({ leaseKey }: Part): boolean {
  return leaseKey === undefined;
}

function isUnread({ leaseKey, owner }: Part): boolean {
  return leaseKey !== undefined && owner === undefined;
}

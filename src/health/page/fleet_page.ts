// Pure.
/**
 * The fleet page as HTML: a whole document for a browser that asks, and its live parts by the id of their
 * elements for one that listens. Both come from the same functions, so that a page that was followed for a
 * day is the page that a reload gives.
 *
 * @module
 */

import { counted, numberText } from "../../observe/format.ts";
import { announcementHtml, faultsHtml, sightHtml, verdictWord } from "./fault_list.ts";
import { figureCards } from "./figure_cards.ts";
import type { FleetPicture } from "./fleet_picture.ts";
import { escapeHtml, safeText, timeText } from "./html_text.ts";
import { ownerColours } from "./owner_colours.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { type PageView, queryOf } from "./page_view.ts";
import { rangesHtml } from "./range_bars.ts";
import { chosenShards, SHARD_COLUMNS, type ShardChoice, shardRows } from "./shard_rows.ts";
import { WORKER_COLUMNS, workerRows, WORKERS } from "./worker_rows.ts";

/** What has changed: for the script of the page, as JSON. */
export interface PageUpdate {
  /** Inner HTML by the id of its element. */
  readonly parts: Readonly<Record<string, string>>;
  /** The ids of the rows of a table in order, by the id of its body. */
  readonly order: Readonly<Record<string, readonly string[]>>;
}

/** Bodies of tables: their part is the ids of their rows, in order. */
const BODIES = ["shards", "workers"] as const;

/**
 * The live parts: inner HTML by the id of their element. The parts `shards` and `workers` are the ids of
 * their rows in order, with blanks between.
 */
export function pageParts(picture: FleetPicture, view: PageView): ReadonlyMap<string, string> {
  const { shards, workers, ranges } = picture;
  const colours = ownerColours([
    ...workers.map(({ workerId }) => workerId),
    ...shards.flatMap(({ owner, nextOwner }) => [owner, nextOwner].filter((name) => name !== undefined)),
    ...ranges.flatMap(({ parts }) => parts.flatMap(({ owner }) => owner ?? [])),
  ]);
  const choice = chosenShards(shards, view);
  const rows = { shards: shardRows(choice.shown, picture, colours), workers: workerRows(workers, colours) };
  return new Map([
    ["title", titleText(picture)],
    ["announcement", announcementHtml(picture)],
    ["verdict", verdictHtml(picture)],
    ["about", aboutHtml(picture)],
    ["sight", sightHtml(picture.table)],
    ["faults", faultsHtml(picture.verdict.faults)],
    ...figureCards(picture),
    ["ranges", rangesHtml(ranges, colours)],
    ["count", countText(picture, choice, view)],
    ...BODIES.map((body) => [body, [...rows[body].keys()].join(" ")] as const),
    ...rows.shards,
    ["pages", pagesHtml(choice, view)],
    ["workers-count", workersText(picture)],
    ...rows.workers,
    ["foot", footHtml(picture)],
  ]);
}

/** What has changed since. Undefined: nothing. */
export function pageUpdate(
  before: ReadonlyMap<string, string> | undefined,
  after: ReadonlyMap<string, string>,
): PageUpdate | undefined {
  const changed = [...after].filter(([id, html]) => before?.get(id) !== html);
  if (changed.length === 0) return undefined;
  const [orders, parts] = [true, false].map((is) => changed.filter(([id]) => isBody(id) === is));
  return {
    parts: Object.fromEntries(parts ?? []),
    order: Object.fromEntries((orders ?? []).map(([id, ids]) => [id, idsOf(ids)])),
  };
}

/** The whole document. */
export function pageHtml(picture: FleetPicture, view: PageView): string {
  const parts = pageParts(picture, view);
  const part = (id: string) => parts.get(id) ?? "";
  const element = (name: string, id: string, attributes = "") =>
    `<${name} id="${id}"${attributes}>${part(id)}</${name}>`;
  const rows = (body: string) =>
    `<tbody id="${body}">\n${idsOf(part(body)).map((id) => `${element("tr", id)}\n`).join("")}</tbody>`;
  const cards = [...parts.keys()].filter((id) => id.startsWith("card-"));
  const events = escapeHtml(`${view.prefix}events${queryOf(view, { page: view.page })}`);
  const reload = `<meta http-equiv="refresh" content="10">`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${view.isLive ? `<noscript>${reload}</noscript>` : reload}
${element("title", "title")}
<link rel="icon" href="${ICON}">
<style>${PAGE_STYLE}</style>
</head>
<body${view.isLive ? ` data-events="${events}"` : ""}>
<a class="skip" href="#shards-title">Skip to the shards</a>
<header>
<h1>${safeText(picture.application, 200)}</h1>
${element("p", "verdict")}
${element("p", "about", ' class="sub"')}
<nav aria-label="Other views">${
    ["health", "lag", "metrics"].map((path) => `<a href="${escapeHtml(view.prefix + path)}">${path}</a>`)
      .join("")
  }</nav>
<p id="connection" class="sub"></p>
</header>
${HATCH}
${element("p", "announcement", ' class="unseen" role="status"')}
<main>
${element("div", "sight", ' class="card sight"')}
${element("section", "faults", ' class="card faults" aria-label="What is wrong"')}
<section class="cards" aria-label="Figures of the fleet">
${cards.map((id) => element("div", id, ' class="card"')).join("\n")}
</section>
<section class="card" aria-labelledby="ranges-title">
<h2 id="ranges-title">Who reads which part of the hash range</h2>
${element("div", "ranges")}
</section>
<section class="card" aria-labelledby="shards-title">
<div class="head"><h2 id="shards-title" tabindex="-1">Shards</h2>${element("p", "count", ' class="sub"')}${
    findForm(view)
  }</div>
<div class="scroll" role="region" aria-labelledby="shards-title" tabindex="0"><table class="shards">
<caption class="unseen">Shards with their worker, lag, rate, age of checkpoint and state</caption>
<thead><tr>${SHARD_COLUMNS.map((column) => headCell(column, view)).join("")}</tr></thead>
${rows("shards")}
</table></div>
${element("nav", "pages", ' aria-label="Pages of shards"')}
</section>
<section class="card" aria-labelledby="workers-title">
<div class="head"><h2 id="workers-title">Workers</h2>${element("p", "workers-count", ' class="sub"')}</div>
<div class="scroll" role="region" aria-labelledby="workers-title" tabindex="0"><table class="workers">
<caption class="unseen">Workers with their leases, CPU, throughput and age of report</caption>
<thead><tr>${WORKER_COLUMNS.map((title) => `<th scope="col">${title}</th>`).join("")}</tr></thead>
${rows("workers")}
</table></div>
</section>
</main>
${element("footer", "foot")}
${view.isLive ? `<script>${PAGE_SCRIPT}</script>\n` : ""}</body>
</html>
`;
}

/** Three bars. As a data address, as the browser would ask the host for /favicon.ico else. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='%232f62cc'" +
  "%3E%3Crect width='9' height='4' rx='1'/%3E%3Crect y='6' width='16' height='4' rx='1'/" +
  "%3E%3Crect y='12' width='12' height='4' rx='1'/%3E%3C/svg%3E";

/** What fills a hole in a bar. */
const HATCH =
  `<svg class="hatch" width="0" height="0" aria-hidden="true"><pattern id="hatch" width="8" height="8" ` +
  `patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8"/><path d="M0 0v8"/></pattern></svg>`;

function isBody(id: string): boolean {
  return BODIES.some((body) => body === id);
}

function idsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(" ");
}

function titleText({ application, verdict }: FleetPicture): string {
  const { length } = verdict.faults;
  return `${safeText(application, 200)}: ${verdictWord(verdict)}${length === 0 ? "" : ` (${length})`}`;
}

function verdictHtml({ verdict }: FleetPicture): string {
  const word = verdictWord(verdict), { sinceMs } = verdict;
  const span = sinceMs === undefined ? "" : ` for ${timeText(sinceMs)}`;
  return `<b class="pill ${word}">${word}${span}</b>`;
}

function aboutHtml({ streams, region, version }: FleetPicture): string {
  const shown = streams.slice(0, STREAMS).map((name) => safeText(name, 200)).join(", ");
  const more = streams.length - STREAMS;
  return [
    streams.length === 0
      ? ""
      : `${streams.length === 1 ? "stream" : "streams"} ${shown}${
        more > 0 ? ` and ${numberText(more)} more` : ""
      }`,
    region === undefined ? "" : safeText(region, 80),
    `kclite ${safeText(version, 80)}`,
  ].filter((text) => text !== "").join(" · ");
}

/** Streams that are named at the head. */
const STREAMS = 3;

function countText({ shards }: FleetPicture, { shown, found, page }: ShardChoice, view: PageView): string {
  if (shards.length === 0) return "No lease is known yet.";
  if (found === 0) return `None of ${counted(shards.length, "shard")} has this in its key or worker.`;
  const from = (page - 1) * view.rows + 1;
  const part = found > view.rows ? `${numberText(from)} to ${numberText(from + shown.length - 1)} of ` : "";
  const sum = view.find === ""
    ? `${part}${counted(found, "shard")}`
    : `${part}${numberText(found)} found among ${counted(shards.length, "shard")}`;
  return view.order === "worst"
    ? `${sum}, the worst first`
    : `${sum} · <a href="${escapeHtml(queryOf(view, { order: "worst" }))}">show the worst first</a>`;
}

function workersText({ workers }: FleetPicture): string {
  const more = workers.length - WORKERS;
  return workers.length === 0
    ? "No worker has reported yet."
    : counted(workers.length, "worker") + (more > 0 ? `, ${numberText(WORKERS)} of them shown` : "");
}

function headCell({ title, order }: typeof SHARD_COLUMNS[number], view: PageView): string {
  if (order === undefined) return `<th scope="col">${title}</th>`;
  const direction = order === "shard" || order === "worker" ? "ascending" : "descending";
  const sort = order === view.order ? ` aria-sort="${direction}"` : "";
  return `<th scope="col"${sort}><a href="${escapeHtml(queryOf(view, { order }))}">${title}</a></th>`;
}

function pagesHtml({ page, pages }: ShardChoice, view: PageView): string {
  if (pages === 1) return "";
  const near = [1, page - 2, page - 1, page, page + 1, page + 2, pages];
  const numbers = [...new Set(near)].filter((number) => number >= 1 && number <= pages);
  return numbers.map((number, index) => {
    const gap = number - (numbers[index - 1] ?? number) > 1 ? "<span>…</span>" : "";
    const href = escapeHtml(queryOf(view, { page: number }));
    return `${gap}<a href="${href}"${number === page ? ' aria-current="page"' : ""}>${number}</a>`;
  }).join("");
}

function findForm(view: PageView): string {
  const order = view.order === "worst" ? "" : `<input type="hidden" name="order" value="${view.order}">`;
  return `<form role="search"><input type="search" name="find" aria-label="Find in keys and workers" placeholder="Key or worker" value="${
    escapeHtml(view.find)
  }">${order}<button>Find</button></form>`;
}

function footHtml({ table, workerId, epochMs }: FleetPicture): string {
  // A clock may be anywhere, and what is no date cannot be written as one.
  const date = new Date(epochMs);
  const time = Number.isNaN(date.getTime())
    ? ""
    : date.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
  return [
    table.type === "read" ? `Lease table read ${timeText(table.ageMs)} ago` : "",
    workerId === undefined ? "" : `shown by ${safeText(workerId, 200)}`,
    time,
  ].filter((text) => text !== "").join(" · ");
}

// Pure.
/**
 * The four figures of the fleet that a person looks at first: lag, records a second, time until loss, shards.
 *
 * @module
 */

import { bytesText, counted, numberText } from "../../observe/format.ts";
import { barSvg, lineSvg } from "./drawing.ts";
import type { FleetPicture, FleetSums, Series } from "./fleet_picture.ts";
import { keyHtml, type Level, markHtml, timeText } from "./html_text.ts";
import { CALM_LAG_MS, rateText } from "./shard_rows.ts";

/** The inner HTML of each card by its id, in order. */
export function figureCards({ sums, shards }: FleetPicture): ReadonlyMap<string, string> {
  const lagging = shards.find(({ leaseKey }) => leaseKey === sums.largestLag?.leaseKey);
  return new Map([
    ["card-lag", lagCard(sums, lagging?.level ?? "good")],
    ["card-rate", rateCard(sums)],
    ["card-trim", trimCard(sums)],
    ["card-read", readCard(sums)],
  ]);
}

function lagCard({ largestLag, lagHistory, catchUpMs }: FleetSums, level: Level): string {
  const line = lineSvg(lagHistory, {
    floor: CALM_LAG_MS,
    label: peak(lagHistory, timeText),
    kind: level,
    height: 48,
    isFilled: true,
  });
  const catchUp = catchUpMs === undefined ? "" : `caught up in about ${timeText(catchUpMs)}`;
  return card("Largest lag", largestLag === undefined ? "–" : timeText(largestLag.lagMs), level, line, [
    largestLag === undefined ? "" : `<span class="key">${keyHtml(largestLag.leaseKey)}</span>`,
    catchUp === "" ? peak(lagHistory, timeText) : catchUp,
  ]);
}

function rateCard({ recordsPerSecond, recordsHistory, kBps }: FleetSums): string {
  const line = lineSvg(recordsHistory, {
    floor: 1,
    label: peak(recordsHistory, rateText),
    kind: "good",
    height: 48,
    isFilled: true,
  });
  const figure = recordsPerSecond === undefined ? "–" : rateText(recordsPerSecond);
  return card("Records a second", figure, "good", line, [
    kBps === undefined ? "" : `${bytesText(kBps * 1024)}/s`,
    peak(recordsHistory, rateText),
  ]);
}

function trimCard({ trimmedInMs, isLossCertain, retentionMs, warnBelowMs }: FleetSums): string {
  const isShort = trimmedInMs !== undefined && warnBelowMs !== undefined && trimmedInMs < warnBelowMs;
  const level = isLossCertain ? "error" : isShort ? "warning" : "good";
  const isDrawn = trimmedInMs !== undefined && retentionMs !== undefined && retentionMs > 0;
  const bar = isDrawn
    ? barSvg(
      trimmedInMs / retentionMs,
      level,
      warnBelowMs === undefined ? undefined : warnBelowMs / retentionMs,
    )
    : "";
  const figure = trimmedInMs === undefined ? "–" : timeText(trimmedInMs);
  return card("Unread records are trimmed in", figure, level, bar, [
    isLossCertain ? "at this pace records are lost" : "",
    [
      retentionMs === undefined ? "" : `retention ${timeText(retentionMs)}`,
      warnBelowMs === undefined ? "" : `warning below ${timeText(warnBelowMs)}`,
    ].filter((text) => text !== "").join(", "),
  ]);
}

function readCard({ unfinished, read, waiting }: FleetSums): string {
  const level = read < unfinished ? "warning" : "good";
  const bar = unfinished === 0 ? "" : barSvg(read / unfinished, level);
  return card("Shards being read", `${numberText(read)} of ${numberText(unfinished)}`, level, bar, [
    level === "good" ? "" : `${counted(unfinished - read, "shard")} without a reader`,
    waiting === 0 ? "" : `${numberText(waiting)} ${waiting === 1 ? "waits" : "wait"} for parents`,
    level === "good" && waiting === 0 && unfinished > 0 ? "all of them have a reader" : "",
  ]);
}

function card(
  title: string,
  figure: string,
  level: Level,
  picture: string,
  facts: readonly string[],
): string {
  const kind = level === "good" ? "" : ` class="${level}Text"`;
  const known = facts.filter((fact) => fact !== "");
  return `<h2>${title}</h2><strong${kind}>${markHtml(level)}${figure}</strong>${picture}<p class="sub">${
    known.join("<br>")
  }</p>`;
}

function peak(series: Series, text: (figure: number) => string): string {
  const known = series.filter((figure) => figure !== undefined);
  return known.length === 0 ? "" : `at most ${text(Math.max(...known))} in the last hour`;
}

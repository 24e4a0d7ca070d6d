// Pure.
/**
 * Small pictures as SVG: a line of the last hour, a bar. No style stands in attributes, as the policy of the
 * page forbids it: classes and SVG's own attributes do it all.
 *
 * @module
 */

import type { Series } from "./fleet_picture.ts";
import { escapeHtml } from "./html_text.ts";

/** Points of a line at most, one a minute. */
const POINTS = 60;
const WIDTH = 118;

/** How a line is drawn. */
export interface LineStyle {
  /** What the top of the picture is at least, so that small jitter is drawn small. */
  readonly floor: number;
  /** For those who do not see it. */
  readonly label: string;
  /** Class. */
  readonly kind: "good" | "warning" | "error";
  /** In the units of the picture. */
  readonly height: number;
  /** Whether the area below the line is filled. */
  readonly isFilled: boolean;
}

/** The last hour as a line from left to right, with gaps where nothing is known. Empty without a figure. */
export function lineSvg(series: Series, { floor, label, kind, height, isFilled }: LineStyle): string {
  const figures = thinned(series);
  const known = figures.filter((figure) => figure !== undefined);
  if (known.length === 0) return "";
  const top = Math.max(floor, ...known);
  const step = WIDTH / Math.max(1, figures.length - 1);
  const points = figures.map((figure, index) =>
    figure === undefined
      ? undefined
      : [Math.round(index * step), Math.round((height - 2) * (1 - figure / top)) + 1] as const
  );
  const runs = runsOf(points);
  const area = isFilled
    ? `<path class="area" d="${
      runs.map((run) => `M${run[0]?.[0]} ${height}V${run[0]?.[1]}${steps(run)}V${height}z`).join("")
    }"/>`
    : "";
  const line = runs.map((run) => `M${run[0]?.join(" ")}${run.length === 1 ? "h0" : steps(run)}`).join("");
  return `<svg class="line ${kind}" viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" role="img" aria-label="${
    escapeHtml(label)
  }">${area}<path d="${line}"/></svg>`;
}

/**
 * A bar that is filled up to a part of the whole. The figure stands beside it as text.
 *
 * @param markAt A part of the whole that gets a line across.
 */
export function barSvg(part: number, kind: "good" | "warning" | "error" | "plain", markAt?: number): string {
  const mark = markAt === undefined
    ? ""
    : `<rect class="limit" x="${percent(markAt)}" width="2" height="100%"/>`;
  return `<svg class="bar ${kind}" aria-hidden="true"><rect width="${
    percent(part)
  }" height="100%" rx="3"/>${mark}</svg>`;
}

/** For an attribute: `33.33%`, between 0 and 100. */
export function percent(part: number): string {
  return `${Number((100 * Math.min(1, Math.max(0, part))).toFixed(2))}%`;
}

/** As few figures as are drawn. Of several the largest stays: it is what one looks for. */
function thinned(series: Series): Series {
  if (series.length <= POINTS) return series.map(finite);
  return Array.from({ length: POINTS }, (_, index) => {
    const from = Math.floor(index * series.length / POINTS);
    const part = series.slice(from, Math.floor((index + 1) * series.length / POINTS)).map(finite);
    const known = part.filter((figure) => figure !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  });
}

function finite(figure: number | undefined): number | undefined {
  return figure !== undefined && Number.isFinite(figure) ? Math.max(0, figure) : undefined;
}

type Point = readonly [number, number];

function runsOf(points: readonly (Point | undefined)[]): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let isOpen = false;
  for (const point of points) {
    if (point !== undefined) {
      if (!isOpen) runs.push([]);
      runs.at(-1)?.push(point);
    }
    isOpen = point !== undefined;
  }
  return runs;
}

/** From point to point, as differences: that is half the bytes. */
function steps(run: readonly Point[]): string {
  return run.slice(1).reduce((text, [x, y], index) => {
    const [lastX, lastY] = run[index] ?? [x, y];
    return `${text}${index === 0 ? "l" : " "}${x - lastX}${y < lastY ? "" : " "}${y - lastY}`;
  }, "");
}

// Pure.
/**
 * Writes the Prometheus text exposition format, version 0.0.4. By hand, since it is small and the usual
 * client does not run on edge workers.
 *
 * Source: prometheus.io, "Exposition formats".
 *
 * @module
 */

import type { Labels } from "./counts.ts";

/** The content type of the format. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One line of a family. */
export interface Sample {
  /** `_sum` or `_count` in a summary, else absent. */
  readonly suffix?: "_sum" | "_count";
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric with all its series. */
export interface Family {
  /** The whole name, with prefix and unit. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "summary";
  readonly samples: readonly Sample[];
}

/** The families as text; one without samples is left out. */
export function prometheusText(families: readonly Family[]): string {
  return families.filter((family) => family.samples.length > 0).map(familyText).join("");
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ suffix = "", labels = {}, value }) =>
    `${name}${suffix}${labelsText(labels)} ${numberText(value)}\n`
  );
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function escapeHelp(help: string): string {
  return help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}

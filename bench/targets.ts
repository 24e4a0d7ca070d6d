// Pure.
/**
 * What reading is to cost, beside what it costs here and what it costs others: the table with which `task bench` ends.
 *
 * @module
 */

import { markdownTable, significant, withNote } from "./figures.ts";

/** One row. */
export interface Target {
  readonly figure: string;
  /** At most. Undefined: a limit that nobody can go below. */
  readonly target?: number;
  /** The name of what is measured here. */
  readonly ours: string;
  /** Of a limit: whose limit it is. */
  readonly limits?: string;
  /** Names of what is measured of others. */
  readonly peers: readonly string[];
}

/** Where nobody else can be measured on the same terms. */
const NOBODY: readonly string[] = [];

/** In CPU seconds for a million records, which are microseconds for one; or as the row says. */
export const TARGETS: readonly Target[] = [
  { figure: "worker, 8 shards, Deno, CBOR", target: 1.2, ours: "worker-cbor", peers: ["java-cbor"] },
  {
    figure: "the same, JSON",
    target: 2.6,
    ours: "worker-json",
    peers: ["java-json", "kcl-rs-json"],
  },
  {
    figure: "the same, Node.js 24, JSON",
    target: 5,
    ours: "node-json",
    peers: ["@aws-sdk/client-kinesis in Node.js"],
  },
  { figure: "the same, Node.js 24, CBOR", target: 2, ours: "node-cbor", peers: NOBODY },
  { figure: "the same, Bun, CBOR", target: 1, ours: "bun-cbor", peers: NOBODY },
  { figure: "client, 100 bytes, Deno, JSON", target: 0.85, ours: "small-json", peers: NOBODY },
  {
    figure: "client, 100 bytes, Deno, CBOR",
    target: 0.6,
    ours: "small-cbor",
    peers: ["java-small-cbor"],
  },
  { figure: "enhanced fan-out, Deno", target: 3.5, ours: "fan-out", peers: ["kcl-rs-fan-out"] },
  { figure: "MultiLang daemon, programs that do nothing", target: 3, ours: "multilang", peers: NOBODY },
  {
    figure: "peak RSS of 4 shards that catch up, MiB",
    target: 300,
    ours: "catch-up",
    peers: ["java-catch-up", "kcl-rs-catch-up"],
  },
  {
    figure: "DynamoDB requests per shard-hour, idle, 1 worker, 8 shards",
    target: 1400,
    ours: "idle-1-8",
    peers: ["java-idle", "kcl-rs-idle"],
  },
  { figure: "the same, 2 workers, 8 shards", target: 2000, ours: "idle-2-8", peers: NOBODY },
  { figure: "the same, 1 worker, 200 shards", target: 1120, ours: "idle-1-200", peers: NOBODY },
  { figure: "empty GetRecords call, µs", target: 240, ours: "empty-call", peers: ["floor-empty-call"] },
  { figure: "bytes of JSON alone", ours: "bytes-json", limits: "worker-json", peers: NOBODY },
  { figure: "bytes of CBOR alone", ours: "bytes-cbor", limits: "worker-cbor", peers: NOBODY },
];

/**
 * The rows of which anything was measured, in Markdown.
 *
 * @param figureOf By name; undefined: not measured.
 * @param noteOf What was not reached, in words.
 */
export function targetTable(
  figureOf: (name: string) => number | undefined,
  noteOf: (name: string) => string | undefined = () => undefined,
): string {
  const rows = TARGETS.flatMap((row) => {
    const ours = figureOf(row.ours);
    return ours === undefined ? [] : [[
      row.figure,
      row.target === undefined ? "" : `≤ ${row.target}`,
      significant(ours),
      distanceOf(row, ours, figureOf),
      row.peers.flatMap((name) => {
        const peer = figureOf(name);
        return peer === undefined ? [] : [withNote(`${name}: ${significant(peer)}`, noteOf(name))];
      }).join("; "),
    ]];
  });
  return rows.length === 0 ? "" : markdownTable([["figure", "target", "ours", "distance", "peers"], ...rows]);
}

function distanceOf(
  { target, limits }: Target,
  ours: number,
  figureOf: (name: string) => number | undefined,
) {
  const limited = limits === undefined ? undefined : figureOf(limits);
  if (limited !== undefined) return `${limits} takes ${(limited / ours).toFixed(1)} times as much`;
  if (target === undefined) return "";
  return ours <= target ? "met" : `${(ours / target).toFixed(2)} times the target`;
}

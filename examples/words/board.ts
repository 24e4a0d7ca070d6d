/**
 * What is so at this moment, as lines: who reads each shard, how late, and how much was processed.
 *
 * @module
 */

import type { Shard } from "@kclite/kclite";
import type { Fleet, Member } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";

/** What the board shows. */
export interface BoardOptions {
  readonly shards: readonly Shard[];
  readonly fleet: Pick<Fleet, "members" | "ownerOf" | "isFinished">;
  readonly ledger: Pick<Ledger, "lagMs" | "put" | "processed">;
  readonly nowMs: number;
}

/** The lines. The first sums up. */
export function boardLines({ shards, fleet, ledger, nowMs }: BoardOptions): string[] {
  const rows = shards.map(({ shardId }) => ({
    name: shortShard(shardId),
    reader: fleet.isFinished(shardId) ? "read to its end" : readerText(fleet.ownerOf(shardId)),
    lagMs: fleet.isFinished(shardId) ? undefined : ledger.lagMs(shardId, nowMs),
  }));
  const width = Math.max("read by".length, ...rows.map(({ reader }) => reader.length));
  const lagMs = rows.reduce((most, row) => Math.max(most, row.lagMs ?? 0), 0);
  return [
    `${numberText(ledger.processed)} of ${counted(ledger.put, "word")}, largest lag ${secondsText(lagMs)}`,
    fleet.members.map(({ name, state }) => `${name} ${state}`).join(", "),
    "",
    `shard  ${"read by".padEnd(width)}      lag`,
    ...rows.map(({ name, reader, lagMs }) =>
      `${name.padStart(5)}  ${reader.padEnd(width)}  ${
        lagMs === undefined ? "" : secondsText(lagMs).padStart(7)
      }`
        .trimEnd()
    ),
  ];
}

function readerText(owner: Member | undefined): string {
  if (owner === undefined) return "nobody";
  return owner.state === "running" ? owner.name : `${owner.name} (${owner.state})`;
}

/** `shardId-000000000012` → `12`. */
export function shortShard(shardId: string): string {
  return shardId.replace(/^shardId-0*(?=\d)/, "");
}

/** `0.4 s`. */
export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `1,234`. */
export function numberText(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 shard`, `2 shards`. */
export function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `Ada, Bea and Cleo`. */
export function listText(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

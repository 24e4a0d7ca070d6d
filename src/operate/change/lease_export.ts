// Pure.
/**
 * Leases as a file, and what it takes to set a table back to such a file.
 *
 * Only positions are set back, with all that is bound to them. Owners are not: a worker of that time may be
 * gone, and the leader assigns a free lease within seconds.
 *
 * @module
 */

import type { Lease, NewLease } from "../../lease/lease.ts";
import { isAtPosition, type LeasePosition } from "../../lease/reset_lease.ts";
import {
  type ExtendedSequenceNumber,
  isSequenceNumber,
  isShardEnd,
  positionAt,
  SHARD_END,
} from "../../stream/sequence_number.ts";
import type { LeaseChange } from "./reset_plan.ts";

/** What a file says of one lease. */
export interface ExportedLease extends LeasePosition {
  readonly leaseKey: string;
  readonly shardId: string;
  readonly streamIdentifier: string | undefined;
  readonly streamOrigin: string | undefined;
  readonly parentShardIds: readonly string[];
  readonly hashKeyRange: NewLease["hashKeyRange"] | undefined;
}

/** A file. */
export interface LeaseExport {
  readonly applicationName: string;
  readonly tableName: string;
  readonly leases: readonly ExportedLease[];
}

/** The text of a file. @param exportedAt ISO 8601. */
export function exportText(
  { applicationName, tableName, exportedAt, leases }: {
    readonly applicationName: string;
    readonly tableName: string;
    readonly exportedAt: string;
    readonly leases: readonly Lease[];
  },
): string {
  const rows = leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1).map((lease) => {
    const { pendingCheckpointState: state, mark: _, ...rest } = lease;
    return { ...rest, ...(state === undefined ? {} : { pendingCheckpointState: toBase64(state) }) };
  });
  const file = { kcliteLeases: VERSION, applicationName, tableName, exportedAt, leases: rows };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** @throws {SyntaxError} that says what is wrong with the file. */
export function exportIn(text: string, fileName: string): LeaseExport {
  const wrong = (what: string) =>
    new SyntaxError(
      `Cannot read ${JSON.stringify(fileName)}: expected a file of kclite reset --export: got ${what}`,
    );
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw wrong("no JSON");
  }
  if (!isObject(file) || file["kcliteLeases"] !== VERSION) throw wrong("something else");
  const { applicationName, tableName, leases } = file;
  if (typeof applicationName !== "string" || typeof tableName !== "string" || !Array.isArray(leases)) {
    throw wrong("no applicationName, tableName or leases");
  }
  return {
    applicationName,
    tableName,
    leases: leases.map((row, index) => {
      const lease = leaseIn(row);
      if (lease === undefined) throw wrong(`a broken lease at place ${index + 1}`);
      return lease;
    }),
  };
}

/**
 * Decides what sets the leases back. A lease that the file does not have was made since then:
 * - if a lease of the file descends from it, its shard was finished then: it goes to SHARD_END;
 * - if it descends from one that was unfinished then, it goes to its oldest record, from where it would have
 *   been read;
 * - else it stays.
 */
export function planRestore(
  exported: readonly ExportedLease[],
  leases: readonly Lease[],
): readonly LeaseChange[] {
  const present = new Map(leases.map((lease) => [lease.leaseKey, lease]));
  const family = familyOf(exported, leases);
  const changes: LeaseChange[] = exported.map((one) => {
    const lease = present.get(one.leaseKey);
    present.delete(one.leaseKey);
    return lease === undefined ? copied(one) : movedOrKept(lease, positionOf(one));
  });
  for (const lease of present.values()) {
    const id = identityOf(lease);
    if (family.ancestors.has(id)) changes.push(movedOrKept(lease, { checkpoint: SHARD_END }));
    else if (family.descendants.has(id)) {
      changes.push(movedOrKept(lease, { checkpoint: positionAt("TRIM_HORIZON") }));
    } else changes.push({ type: "keep", lease, reason: "notChosen" });
  }
  return changes;
}

/** A lease like this one is made. */
export function copied(lease: ExportedLease | Lease): LeaseChange {
  return { type: "create", lease: newLeaseOf(lease), then: positionOf(lease) };
}

/** A lease like this one, for a table that has none of its key. */
function newLeaseOf(lease: ExportedLease | Lease): NewLease {
  const { leaseKey, shardId, streamIdentifier, checkpoint, latestEpochMs, streamOrigin } = lease;
  const { parentShardIds, hashKeyRange = NO_RANGE } = lease;
  return {
    leaseKey,
    shardId,
    streamIdentifier,
    checkpoint,
    latestEpochMs,
    streamOrigin,
    parentShardIds,
    hashKeyRange,
  };
}

/** What of a lease is bound to its position. */
function positionOf(lease: ExportedLease | Lease): LeasePosition {
  const { checkpoint, childShardIds, latestEpochMs, finishedAhead } = lease;
  const { pendingCheckpoint, pendingCheckpointState } = lease;
  return {
    checkpoint,
    childShardIds,
    latestEpochMs,
    finishedAhead,
    pendingCheckpoint,
    pendingCheckpointState,
  };
}

const VERSION = 1;

/** A range of a single hash key is not written, and the leader fills in the right one. */
const NO_RANGE = { startingHashKey: "0", endingHashKey: "0" };

function movedOrKept(lease: Lease, to: LeasePosition): LeaseChange {
  return isAtPosition(lease, to) ? { type: "keep", lease, reason: "same" } : { type: "move", lease, to };
}

type Kin = Pick<Lease, "shardId" | "streamIdentifier" | "parentShardIds" | "checkpoint">;

/** Of the leases of a file: who came before them, and who comes after the unfinished ones. */
function familyOf(
  exported: readonly Kin[],
  leases: readonly Kin[],
): { readonly ancestors: ReadonlySet<string>; readonly descendants: ReadonlySet<string> } {
  const all = [...exported, ...leases];
  const parents = new Map<string, string[]>(), children = new Map<string, string[]>();
  for (const one of all) {
    for (const shardId of one.parentShardIds) {
      const parent = identityOf({ ...one, shardId }), child = identityOf(one);
      parents.set(child, [...parents.get(child) ?? [], parent]);
      children.set(parent, [...children.get(parent) ?? [], child]);
    }
  }
  const unfinished = exported.filter(({ checkpoint }) => !isShardEnd(checkpoint));
  return {
    ancestors: reached(exported.map(identityOf), parents),
    descendants: reached(unfinished.map(identityOf), children),
  };
}

function reached(from: readonly string[], next: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const seen = new Set<string>();
  const stack = from.flatMap((id) => next.get(id) ?? []);
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    stack.push(...next.get(id) ?? []);
  }
  return seen;
}

function identityOf({ streamIdentifier = "", shardId }: Pick<Kin, "streamIdentifier" | "shardId">): string {
  return `${streamIdentifier}:${shardId}`;
}

function leaseIn(row: unknown): ExportedLease | undefined {
  if (!isObject(row)) return undefined;
  const { leaseKey, shardId, streamIdentifier, streamOrigin, latestEpochMs, finishedAhead } = row;
  const { parentShardIds, childShardIds, hashKeyRange: range, pendingCheckpointState: state } = row;
  const checkpoint = sequenceIn(row["checkpoint"]);
  const pendingCheckpoint = sequenceIn(row["pendingCheckpoint"]);
  const isRight = isText(leaseKey) && leaseKey !== "" && isText(shardId) && checkpoint !== undefined &&
    areTexts(parentShardIds) && areTexts(childShardIds) &&
    [streamIdentifier, streamOrigin, finishedAhead, state].every((text) =>
      text === undefined || isText(text)
    ) &&
    (latestEpochMs === undefined || Number.isFinite(latestEpochMs)) &&
    (pendingCheckpoint === undefined) === (row["pendingCheckpoint"] === undefined);
  const hashKeyRange = rangeIn(range);
  const bytes = state === undefined ? undefined : fromBase64(`${state}`);
  if (!isRight || (hashKeyRange === undefined && range !== undefined)) return undefined;
  if (bytes === undefined && state !== undefined) return undefined;
  return {
    leaseKey,
    shardId,
    streamIdentifier: textOr(streamIdentifier),
    streamOrigin: textOr(streamOrigin),
    checkpoint,
    latestEpochMs: typeof latestEpochMs === "number" ? latestEpochMs : undefined,
    finishedAhead: textOr(finishedAhead),
    pendingCheckpoint,
    pendingCheckpointState: bytes,
    parentShardIds,
    childShardIds,
    hashKeyRange,
  };
}

function sequenceIn(value: unknown): ExtendedSequenceNumber | undefined {
  if (!isObject(value)) return undefined;
  const { sequenceNumber, subSequenceNumber } = value;
  if (!isText(sequenceNumber) || !isSequenceNumber(sequenceNumber)) return undefined;
  return typeof subSequenceNumber === "number" && Number.isSafeInteger(subSequenceNumber) &&
      subSequenceNumber >= 0
    ? positionAt(sequenceNumber, subSequenceNumber)
    : undefined;
}

function rangeIn(value: unknown): NewLease["hashKeyRange"] | undefined {
  if (!isObject(value)) return undefined;
  const { startingHashKey, endingHashKey } = value;
  const areKeys = [startingHashKey, endingHashKey].every((key) => isText(key) && /^\d{1,39}$/.test(key));
  return areKeys ? { startingHashKey: `${startingHashKey}`, endingHashKey: `${endingHashKey}` } : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => isText(one) && one !== "");
}

function textOr(value: unknown): string | undefined {
  return isText(value) && value !== "" ? value : undefined;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

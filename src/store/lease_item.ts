// Pure.
/**
 * Leases to and from the items of the lease table, attribute for attribute as Java writes them. The names of
 * our own attributes begin with `kclite`: Java's updates do not change them and its readers ignore them. Mind
 * the names: the parents are a set called `parentShardId` (singular), and `streamName` holds
 * `account:stream:epoch`.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseSerializer` and `DynamoDBMultiStreamLeaseSerializer`.
 *
 * @module
 */

import type { AttributeValue, Item } from "../aws/dynamodb.ts";
import { markIn } from "../lease/incarnation.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import { progressIn } from "../lease/lease_progress.ts";
import type { LeaseCondition, LeaseWrite } from "../lease/lease_write.ts";
import type { HashKeyRange } from "../stream/hash_key.ts";
import { type ExtendedSequenceNumber, isSequenceNumber, positionAt } from "../stream/sequence_number.ts";
import {
  AttributeReader,
  bytesValue,
  numberValue,
  type Readout,
  textSetValue,
  textValue,
} from "./attribute_value.ts";
import type { ItemCondition, ItemUpdate } from "./item_write.ts";

/** The partition key of the lease table. */
export const LEASE_KEY = "leaseKey";

/** Marks a lease item. Only creation writes it: leases older than KCL 3.5 have none and are leases too. */
export const LEASE_ENTITY = "LEASE";

/**
 * The item of a new lease: counters at zero, no owner.
 *
 * A shard of a single hash key (possible after an extreme split) gets no range. Java cannot read a range
 * whose start is not below its end.
 */
export function newLeaseItem(lease: NewLease): Item {
  const { leaseKey, shardId, streamIdentifier, checkpoint, latestEpochMs, parentShardIds, hashKeyRange } =
    lease;
  const { streamOrigin } = lease;
  return {
    leaseKey: textValue("leaseKey", leaseKey),
    leaseCounter: { N: "0" },
    ownerSwitchesSinceCheckpoint: { N: "0" },
    checkpoint: textValue("checkpoint", checkpoint.sequenceNumber),
    checkpointSubSequenceNumber: numberValue("checkpointSubSequenceNumber", checkpoint.subSequenceNumber),
    entityType: { S: LEASE_ENTITY },
    ...(checkpoint.sequenceNumber === "LATEST" && latestEpochMs !== undefined
      ? { kcliteLatestEpochMs: numberValue("kcliteLatestEpochMs", Math.floor(latestEpochMs)) }
      : {}),
    ...(streamOrigin === undefined ? {} : { kcliteStream: textValue("kcliteStream", streamOrigin) }),
    ...(parentShardIds.length === 0 ? {} : { parentShardId: textSetValue("parentShardId", parentShardIds) }),
    ...(isAscending(hashKeyRange)
      ? {
        startingHashKey: { S: hashKeyRange.startingHashKey },
        endingHashKey: { S: hashKeyRange.endingHashKey },
      }
      : {}),
    ...(streamIdentifier === undefined ? {} : {
      streamName: textValue("streamName", streamIdentifier),
      shardId: textValue("shardId", shardId),
    }),
  };
}

/** Reads a lease, or says why it cannot be read. Never throws. Unknown attributes are ignored. */
export function leaseOf(item: Item): Readout<Lease> {
  const reader = new AttributeReader(item);
  const leaseKey = required(reader, "leaseKey", reader.text("leaseKey"));
  const entityType = reader.text("entityType") ?? LEASE_ENTITY;
  if (entityType !== LEASE_ENTITY) reader.note(`entityType is "${entityType}", expected "${LEASE_ENTITY}"`);
  const leaseCounter = required(reader, "leaseCounter", reader.integer("leaseCounter"));
  const ownerSwitchesSinceCheckpoint = required(
    reader,
    "ownerSwitchesSinceCheckpoint",
    reader.integer("ownerSwitchesSinceCheckpoint"),
  );
  const checkpoint = required(reader, "checkpoint", positionIn(reader, "checkpoint"));
  const latestEpochMs = reader.number("kcliteLatestEpochMs");
  const streamOrigin = reader.text("kcliteStream");
  const finishedAhead = reader.optionalText("kcliteDone");
  const pendingCheckpoint = positionIn(reader, "pendingCheckpoint");
  const pendingCheckpointState = reader.bytes("pendingCheckpointState");
  const leaseOwner = reader.text("leaseOwner");
  const checkpointOwner = reader.text("checkpointOwner");
  const parentShardIds = reader.textSet("parentShardId") ?? [];
  const childShardIds = reader.textSet("childShardIds") ?? [];
  const hashKeyRange = hashKeyRangeIn(reader);
  const throughputKBps = reader.number("throughputKBps");
  const mark = markIn(reader.optionalText("kcliteIncarnation") ?? "");
  const progress = progressIn(reader.optionalText("kcliteProgress") ?? "");
  const stream = streamIn(reader, leaseKey);
  if (
    leaseKey === undefined || leaseCounter === undefined || ownerSwitchesSinceCheckpoint === undefined ||
    checkpoint === undefined || stream === undefined || reader.problem !== undefined
  ) return { type: "unreadable", problem: reader.problem ?? "it is incomplete" };
  return {
    type: "read",
    value: {
      leaseKey,
      ...stream,
      leaseCounter,
      leaseOwner,
      checkpointOwner,
      ownerSwitchesSinceCheckpoint,
      checkpoint,
      latestEpochMs,
      ...(streamOrigin === undefined ? {} : { streamOrigin }),
      ...(finishedAhead === undefined ? {} : { finishedAhead }),
      pendingCheckpoint,
      pendingCheckpointState,
      parentShardIds,
      childShardIds,
      hashKeyRange,
      throughputKBps,
      mark,
      ...(progress === undefined ? {} : { progress }),
    },
  };
}

/**
 * A lease write as a write to its item. The item must exist in any case: otherwise a write would bring a
 * deleted lease back as half an item.
 *
 * @throws {RangeError} when it would write an empty text or set, or a number that is none.
 */
export function leaseItemWrite(
  write: LeaseWrite,
): { readonly update: ItemUpdate; readonly when: ItemCondition } {
  const set: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(write.set)) set[name] = valueOf(name, value);
  return {
    update: { set, add: { ...write.add }, remove: write.remove },
    when: { [LEASE_KEY]: "present", ...clausesOf(write.when) },
  };
}

function required<T>(reader: AttributeReader, name: string, value: T | undefined): T | undefined {
  if (value === undefined) reader.note(`${name} is missing`);
  return value;
}

function positionIn(
  reader: AttributeReader,
  name: "checkpoint" | "pendingCheckpoint",
): ExtendedSequenceNumber | undefined {
  const sequenceNumber = reader.text(name);
  const subSequenceNumber = reader.integer(`${name}SubSequenceNumber`) ?? 0;
  if (sequenceNumber === undefined) return undefined;
  if (isSequenceNumber(sequenceNumber)) return positionAt(sequenceNumber, subSequenceNumber);
  return reader.note(`${name} is "${sequenceNumber}", expected digits or a sentinel`);
}

/** Half a range counts as none, as in Java: the leader fills it in. */
function hashKeyRangeIn(reader: AttributeReader): HashKeyRange | undefined {
  const startingHashKey = reader.text("startingHashKey");
  const endingHashKey = reader.text("endingHashKey");
  if (!startingHashKey || !endingHashKey) return undefined;
  const range = { startingHashKey, endingHashKey };
  const areDigits = /^\d+$/.test(startingHashKey) && /^\d+$/.test(endingHashKey);
  if (areDigits && isAscending(range)) return range;
  return reader.note(
    `its hash keys are "${startingHashKey}" to "${endingHashKey}", expected decimal digits, start below end`,
  );
}

/**
 * No shard id has a colon, so a key with one belongs to a many-streams table, where both attributes are
 * required.
 */
function streamIn(
  reader: AttributeReader,
  leaseKey: string | undefined,
): Pick<Lease, "shardId" | "streamIdentifier"> | undefined {
  const streamIdentifier = reader.text("streamName");
  const shardId = reader.text("shardId");
  if (leaseKey === undefined) return undefined;
  if (streamIdentifier !== undefined && shardId !== undefined) return { shardId, streamIdentifier };
  if (streamIdentifier === undefined && shardId === undefined && !leaseKey.includes(":")) {
    return { shardId: leaseKey, streamIdentifier: undefined };
  }
  return reader.note(`${streamIdentifier === undefined ? "streamName" : "shardId"} is missing`);
}

function isAscending(range: HashKeyRange): boolean {
  return BigInt(range.startingHashKey) < BigInt(range.endingHashKey);
}

function valueOf(name: string, value: string | number | Uint8Array | readonly string[]): AttributeValue {
  if (typeof value === "string") return textValue(name, value);
  if (typeof value === "number") return numberValue(name, value);
  return value instanceof Uint8Array ? bytesValue(value) : textSetValue(name, value);
}

function clausesOf(when: LeaseCondition): ItemCondition {
  const owner = (name: "leaseOwner" | "checkpointOwner"): ItemCondition => {
    const wanted = when[name];
    if (wanted === undefined) return {};
    return { [name]: wanted === null ? "absent" : textValue(name, wanted) };
  };
  return {
    ...(when.leaseCounter === undefined
      ? {}
      : { leaseCounter: numberValue("leaseCounter", when.leaseCounter) }),
    ...owner("leaseOwner"),
    ...owner("checkpointOwner"),
  };
}

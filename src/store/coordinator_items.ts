// Pure.
/**
 * Converts the items other than leases to and from values: the leader's lock (every attribute a text, even
 * the duration), worker metrics and migration states. The same attributes in the lease table and in the
 * legacy tables; only the key's name differs.
 *
 * Source: KCL 3.5.1, `CoordinatorStateDAO`, `WorkerMetricStats`, `MigrationState`; dynamodb-lock-client
 * 1.4.0.
 *
 * @module
 */

import type { AttributeValue, Item } from "../aws/dynamodb.ts";
import type {
  LeaderLock,
  LockCondition,
  LockRing,
  MigrationState,
  WorkerMetrics,
} from "../lease/coordinator_store.ts";
import { type Incarnation, incarnationIn, incarnationText } from "../lease/incarnation.ts";
import {
  attributeIn,
  AttributeReader,
  heldIn,
  numberValue,
  type Readout,
  textValue,
} from "./attribute_value.ts";
import type { ItemCondition, ItemUpdate } from "./item_write.ts";

/** Value of the partition key of the lock item. */
export const LEADER_KEY = "Leader";

/** `entityType` of a worker metrics item. */
export const WORKER_METRICS_ENTITY = "WORKER_METRIC_STATS";

/** The whole lock item. */
export function lockItem(keyName: string, lock: LeaderLock): Item {
  return {
    [keyName]: { S: LEADER_KEY },
    entityType: { S: "LEADER" },
    ownerName: textValue("ownerName", lock.ownerName),
    ...heartbeatAttributes(lock),
    ...(lock.isReleased ? { isReleased: { S: "1" } } : {}),
  };
}

/** What a heartbeat changes. */
export function heartbeatAttributes(lock: LeaderLock): Item {
  return {
    // Whole ms: workers, Java's too, read no other text, and a lock that cannot be read is never taken over.
    leaseDuration: textValue(
      "leaseDuration",
      numberValue("leaseDuration", Math.ceil(lock.leaseDurationMs)).N,
    ),
    recordVersionNumber: textValue("recordVersionNumber", lock.recordVersionNumber),
  };
}

/** A lock condition as one on the item. */
export function lockCondition(keyName: string, when: LockCondition): ItemCondition {
  switch (when.type) {
    case "absent":
      return { [keyName]: "absent" };
    case "released":
      return { [keyName]: "present", isReleased: { S: "1" } };
    case "version":
      return { [keyName]: "present", recordVersionNumber: { S: when.recordVersionNumber } };
  }
}

/** That the lock is ours at a version. */
export function lockIsOurs(keyName: string, version: string, ownerName: string): ItemCondition {
  return { [keyName]: "present", recordVersionNumber: { S: version }, ownerName: { S: ownerName } };
}

/** What rings at a lock: nothing that its holder or Java reads as a part of the lock. */
export function ringUpdate({ ring }: LockRing): ItemUpdate {
  return { set: { [RING]: textValue(RING, ring) }, add: {}, remove: [] };
}

/** That the lock is a worker's. */
export function lockIsOf(keyName: string, ownerName: string): ItemCondition {
  return { [keyName]: "present", ownerName: { S: ownerName } };
}

/** What was rung last at a lock. */
export function ringOf(item: Item | undefined): LockRing | undefined {
  const ring = heldIn(attributeIn(item, RING), "S");
  return ring === undefined ? undefined : { ring };
}

/**
 * Reads the lock. A duration that is a number is taken too: Java cannot read such an item, so it needs
 * replacing.
 */
export function lockOf(item: Item): Readout<LeaderLock> {
  const reader = new AttributeReader(item);
  const ownerName = reader.text("ownerName");
  const recordVersionNumber = reader.text("recordVersionNumber");
  const duration = reader.optionalText("leaseDuration") ?? "";
  const leaseDurationMs = /^\d+$/.test(duration) ? Number(duration) : reader.number("leaseDuration");
  if (ownerName === undefined || recordVersionNumber === undefined || leaseDurationMs === undefined) {
    const problem = reader.problem ?? "ownerName, recordVersionNumber or leaseDuration is missing";
    return { type: "unreadable", problem };
  }
  const isReleased = reader.has("isReleased");
  return { type: "read", value: { ownerName, leaseDurationMs, recordVersionNumber, isReleased } };
}

/**
 * The attributes of a worker metrics item, without its key.
 *
 * @throws {RangeError} when a metric has no values or one that is no number: Java's leader would ignore the
 * worker.
 */
export function workerMetricsAttributes(metrics: WorkerMetrics): Item {
  return {
    entityType: { S: WORKER_METRICS_ENTITY },
    ...optionalNumber("lut", metrics.lastUpdateEpochS),
    sts: numberListsValue("sts", metrics.stats),
    opr: numberListsValue("opr", metrics.operatingRange),
    ...optionalNumber("sup", metrics.supportCode),
    ...optionalNumber("slu", metrics.supportEpochS),
    ...(metrics.incarnation === undefined ? {} : { [INCARNATION]: incarnationValue(metrics.incarnation) }),
  };
}

/**
 * What a report changes.
 *
 * @param isOfAnother Whether the item may be of an earlier process: its mark goes with it.
 */
export function reportUpdate(metrics: WorkerMetrics, isOfAnother: boolean): ItemUpdate {
  return { set: workerMetricsAttributes(metrics), add: {}, remove: isOfAnother ? [DRAINING] : [] };
}

/** What marks a worker that is drained. @param sinceEpochS Undefined removes the mark. */
export function drainUpdate(sinceEpochS: number | undefined): ItemUpdate {
  return sinceEpochS === undefined
    ? { set: {}, add: {}, remove: [DRAINING] }
    : { set: { [DRAINING]: numberValue(DRAINING, sinceEpochS) }, add: {}, remove: [] };
}

/** That the metrics item is still the one last seen. */
export function metricsCondition(
  keyName: string,
  { lastUpdateEpochS, incarnation }: Pick<WorkerMetrics, "lastUpdateEpochS" | "incarnation">,
): ItemCondition {
  return {
    [keyName]: "present",
    lut: lastUpdateEpochS === undefined ? "absent" : numberValue("lut", lastUpdateEpochS),
    ...(incarnation === undefined ? {} : ofIncarnation(incarnation)),
  };
}

/** That a metrics item is of an incarnation. */
export function ofIncarnation(incarnation: Incarnation): ItemCondition {
  return { [INCARNATION]: incarnationValue(incarnation) };
}

/** That a metrics item is of the same incarnation as this one, which may be none, or no item. */
export function sameIncarnation(item: Item | undefined): ItemCondition {
  const found = attributeIn(item, INCARNATION);
  if (found === undefined) return { [INCARNATION]: "absent" };
  const text = heldIn(found, "S"), number = heldIn(found, "N");
  if (text !== undefined) return { [INCARNATION]: { S: text } };
  return { [INCARNATION]: number === undefined ? "present" : { N: number } };
}

/** The incarnation that a metrics item is of; undefined if there is none that can be read. */
export function incarnationOf(item: Item | undefined): Incarnation | undefined {
  return item === undefined
    ? undefined
    : incarnationIn(new AttributeReader(item).optionalText(INCARNATION) ?? "");
}

/** Reads worker metrics. What is missing is undefined or empty; a leader ignores such a worker. */
export function workerMetricsOf(keyName: string, item: Item): Readout<WorkerMetrics> {
  const reader = new AttributeReader(item);
  const workerId = reader.text(keyName);
  const incarnation = incarnationOf(item);
  const drainingSinceEpochS = drainingSince(item);
  const value = {
    lastUpdateEpochS: reader.number("lut"),
    stats: reader.numberLists("sts") ?? {},
    operatingRange: reader.numberLists("opr") ?? {},
    supportCode: reader.number("sup"),
    supportEpochS: reader.number("slu"),
    ...(incarnation === undefined ? {} : { incarnation }),
    ...(drainingSinceEpochS === undefined ? {} : { drainingSinceEpochS }),
  };
  if (workerId === undefined) reader.note(`${keyName} is missing`);
  if (workerId === undefined || reader.problem !== undefined) {
    return { type: "unreadable", problem: reader.problem ?? "it is incomplete" };
  }
  return { type: "read", value: { workerId, ...value } };
}

/** The whole migration state item. */
export function migrationItem(keyName: string, state: MigrationState): Item {
  const { entityType, valueName } = KINDS[state.key];
  const attributes = (entry: Omit<MigrationState, "key" | "history">): Item => ({
    [valueName]: textValue(valueName, entry.value),
    mb: textValue("mb", entry.modifiedBy),
    mts: numberValue("mts", entry.modifiedEpochMs),
  });
  return {
    [keyName]: { S: state.key },
    entityType: { S: entityType },
    ...attributes(state),
    h: { L: state.history.map((entry) => ({ M: attributes(entry) })) },
  };
}

/** Reads a migration state. History entries that are not whole are left out: nothing rests on them. */
export function migrationOf(key: MigrationState["key"], item: Item): Readout<MigrationState> {
  const { valueName } = KINDS[key];
  const entryIn = (reader: AttributeReader) => {
    const value = reader.text(valueName);
    const modifiedBy = reader.text("mb");
    const modifiedEpochMs = reader.number("mts");
    return value === undefined || modifiedBy === undefined || modifiedEpochMs === undefined
      ? undefined
      : { value, modifiedBy, modifiedEpochMs };
  };
  const reader = new AttributeReader(item);
  const entry = entryIn(reader);
  if (entry === undefined) {
    return { type: "unreadable", problem: reader.problem ?? `${valueName}, mb or mts is missing` };
  }
  const history = (reader.maps("h") ?? []).map(entryIn).filter((past) => past !== undefined);
  return { type: "read", value: { key, ...entry, history } };
}

const KINDS: Readonly<
  Record<MigrationState["key"], { readonly entityType: string; readonly valueName: string }>
> = {
  "Migration3.0": { entityType: "CLIENT_VERSION_MIGRATION", valueName: "cv" },
  "TableMigration3.5": { entityType: "TABLE_MIGRATION", valueName: "tm" },
};

/** Attributes of ours, which Java's updates leave alone. */
const INCARNATION = "kcliteIncarnation", DRAINING = "kcliteDraining", RING = "kcliteRing";

/** A mark that cannot be read is one nevertheless: somebody has set it. */
function drainingSince(item: Item): number | undefined {
  const mark = attributeIn(item, DRAINING);
  if (mark === undefined) return undefined;
  const number = Number(heldIn(mark, "N"));
  return Number.isFinite(number) ? number : 0;
}

function incarnationValue(incarnation: Incarnation): { readonly S: string } {
  return textValue(INCARNATION, incarnationText(incarnation));
}

function optionalNumber(name: string, value: number | undefined): Item {
  return value === undefined ? {} : { [name]: numberValue(name, value) };
}

function numberListsValue(name: string, lists: Readonly<Record<string, readonly number[]>>): AttributeValue {
  const entries = Object.entries(lists).map(([metric, numbers]): [string, AttributeValue] => {
    if (numbers.length === 0) {
      throw new RangeError(
        `Cannot write attribute "${name}": expected values of metric "${metric}": got none`,
      );
    }
    return [metric, { L: numbers.map((number) => numberValue(`${name}.${metric}`, number)) }];
  });
  return { M: Object.fromEntries(entries) };
}

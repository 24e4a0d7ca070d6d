// Pure.
/**
 * The attributes of a worker's metrics item that slices use. Java's updates leave them alone, and so do the
 * reports of ordinary workers.
 *
 * @module
 */

import type { Item } from "../aws/dynamodb.ts";
import type { SliceLock, SliceRow } from "../lease/coordinator_store.ts";
import { AttributeReader, numberValue, textValue } from "./attribute_value.ts";
import { incarnationOf, WORKER_METRICS_ENTITY } from "./coordinator_items.ts";
import type { ItemCondition, ItemUpdate } from "./item_write.ts";

const LOCK = "kcliteSlice", MEMORY = "kcliteSliceMemory";

/**
 * What taking the lock sets. With it the item is a complete metrics item, so that no program takes it for a
 * lease. The figures of an earlier report are not of this slice.
 */
export function sliceLockAttributes(lock: SliceLock, lastUpdateEpochS: number): Item {
  return {
    entityType: { S: WORKER_METRICS_ENTITY },
    lut: numberValue("lut", lastUpdateEpochS),
    sts: { M: {} },
    opr: { M: {} },
    [LOCK]: textValue(LOCK, textOf(lock)),
  };
}

/** What the end of a slice changes. */
export function sliceEndUpdate(memory: string | undefined, lastUpdateEpochS: number): ItemUpdate {
  const kept: Item = memory === undefined ? {} : { [MEMORY]: textValue(MEMORY, memory) };
  return {
    set: { lut: numberValue("lut", lastUpdateEpochS), ...kept },
    add: {},
    remove: [LOCK],
  };
}

/** That the item is locked by this lock, or by none. */
export function lockedBy(lock: SliceLock | undefined): ItemCondition {
  return { [LOCK]: lock === undefined ? "absent" : { S: textOf(lock) } };
}

/** What an item holds for slices. A lock that cannot be read counts as over; it is replaced by its text. */
export function sliceRowOf(item: Item): SliceRow {
  const reader = new AttributeReader(item);
  const lock = reader.optionalText(LOCK);
  return {
    lock: lock === undefined ? undefined : lockIn(lock),
    memory: reader.optionalText(MEMORY),
    incarnation: incarnationOf(item),
  };
}

function textOf({ untilEpochMs, sliceId }: SliceLock): string {
  return `${untilEpochMs}/${sliceId}`;
}

function lockIn(text: string): SliceLock {
  const [, digits = "0", sliceId = text] = /^(\d{1,16})\/(.+)$/s.exec(text) ?? [];
  return { untilEpochMs: Number(digits), sliceId };
}

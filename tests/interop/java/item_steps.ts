// Pure.
/**
 * Names what one write did to one item of a lease table, and compares the writes of two kinds of worker step by step.
 *
 * Compared is the effect in the table, not the request: Java writes with the API of 2012, kclite with expressions. A new item
 * counts with the names and types of all its attributes; a changed one with the attributes that changed, and how. Left
 * out is what depends on the moment alone: a throughput that was or was not measured, a switch counter that was 0 already;
 * and what kclite adds under names of its own, which {@linkcode ownAttributes} lists.
 *
 * @module
 */

import type { AttributeValue, Item } from "../../../src/aws/dynamodb.ts";

/** One write, by its effect. */
export interface Step {
  /** What was done, e.g. `renew`. */
  readonly name: string;
  /** How it shows: `leaseCounter +1; leaseOwner set (S)`. */
  readonly effect: string;
}

/** A write, and who made it. */
export interface TakenStep extends Step {
  readonly by: "java" | "kclite";
}

/** One step, as each kind of worker takes it. */
export interface Comparison {
  readonly name: string;
  readonly java: ReadonlyMap<string, number>;
  readonly kclite: ReadonlyMap<string, number>;
  /** Whether all effects of kclite's writes are ones that Java's writes have too; or who alone takes the step. */
  readonly verdict: "same" | "different" | "java only" | "kclite only";
}

/** Names the step from an item to the next. Undefined when nothing changed. */
export function stepOf(before: Item | undefined, after: Item | undefined): Step | undefined {
  const item = after ?? before;
  if (item === undefined) return undefined;
  const kind = textOf(item.entityType) ?? "LEASE";
  if (after === undefined) return { name: `delete ${kind}`, effect: "item removed" };
  if (before === undefined) return { name: createName(kind, after), effect: shapeOf(after) };
  const changes = changesOf(before, after);
  if (changes.length === 0) return undefined;
  return { name: updateName(kind, before, after), effect: changes.join("; ") };
}

/** Puts the steps of both side by side, ordered by name. */
export function compareSteps(steps: readonly TakenStep[]): Comparison[] {
  return [...new Set(steps.map((step) => step.name))].toSorted().map((name) => {
    const effectsOf = (by: TakenStep["by"]) =>
      counted(steps.filter((step) => step.name === name && step.by === by).map((step) => step.effect));
    const java = effectsOf("java"), kclite = effectsOf("kclite");
    const isSame = [...kclite.keys()].every((effect) => java.has(effect));
    const verdict = kclite.size === 0
      ? "java only"
      : java.size === 0
      ? "kclite only"
      : isSame
      ? "same"
      : "different";
    return { name, java, kclite, verdict };
  });
}

/** What kclite adds to Java's format, by name and type: attributes that bear its name. */
export function ownAttributes(writes: readonly { readonly after: Item | undefined }[]): string[] {
  const own = writes.flatMap(({ after }) =>
    Object.entries(after ?? {}).filter(([name]) => isOwn(name)).map(([name, value]) =>
      `${name}:${typeOf(value)}`
    )
  );
  return [...new Set(own)].toSorted();
}

/**
 * The first leases of many streams, each once, as one kind of worker made them: all attributes with their values, but for the
 * streams' names and epochs.
 */
export function firstLeasesOfMany(
  writes: readonly (TakenStep & { readonly after: Item | undefined })[],
  by: TakenStep["by"],
): string[] {
  const texts = writes.filter((write) => write.by === by && write.name === "create LEASE, many streams")
    .map(({ after }) =>
      Object.entries(after ?? {}).filter(([name]) => !isOwn(name)).toSorted()
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ")
        .replaceAll(/(\d+):[\w.-]+:\d+/g, "$1:name:epoch")
    );
  return [...new Set(texts)].toSorted();
}

/** The names and types of an item's attributes: `checkpoint:S leaseCounter:N …`. */
export function shapeOf(item: Item): string {
  return Object.entries(item)
    .filter(([name]) => !momentary.has(name) && !isOwn(name))
    .map(([name, value]) => `${name}:${typeOf(value)}`)
    .toSorted()
    .join(" ");
}

/** Written only when the owner has measured something. */
const momentary: ReadonlySet<string> = new Set(["throughputKBps"]);

function isOwn(name: string): boolean {
  return name.startsWith("kclite");
}

function createName(kind: string, item: Item): string {
  if (kind !== "LEASE") return `create ${kind}${inSlice(item)}`;
  const child = item.parentShardId === undefined ? "" : " of a child";
  // By the key, so that an item that lacks what a stream among many needs is a different one, and no other.
  const isOfMany = textOf(item.leaseKey)?.includes(":") === true;
  return `create LEASE${child}${isOfMany ? ", many streams" : ""}`;
}

/** A slice locks the item of its worker: it writes the report in parts, which no worker that stays up does. */
function inSlice(item: Item): string {
  return item.kcliteSlice === undefined ? "" : ", in a slice";
}

function updateName(kind: string, before: Item, after: Item): string {
  if (kind === "LEADER") return same(before.ownerName, after.ownerName) ? "heartbeat LEADER" : "take LEADER";
  if (kind !== "LEASE") return `update ${kind}${inSlice(before) || inSlice(after)}`;
  const isPending = after.checkpointOwner !== undefined;
  if (isPending !== (before.checkpointOwner !== undefined)) {
    if (isPending) return "LEASE: start handoff";
    return same(before.leaseOwner, after.leaseOwner)
      ? "LEASE: finish handoff"
      : "LEASE: assign, breaking off a handoff";
  }
  if (!same(before.leaseOwner, after.leaseOwner)) {
    if (before.leaseOwner === undefined) return "LEASE: assign, free before";
    return after.leaseOwner === undefined ? "LEASE: release" : "LEASE: assign, from another owner";
  }
  if (!same(before.checkpoint, after.checkpoint)) {
    return textOf(after.checkpoint) === "SHARD_END" ? "LEASE: end shard" : "LEASE: checkpoint";
  }
  if (!same(before.childShardIds, after.childShardIds)) return "LEASE: note children";
  if (same(before.leaseCounter, after.leaseCounter)) return "LEASE: other";
  return isPending ? "LEASE: renew during handoff" : "LEASE: renew";
}

function changesOf(before: Item, after: Item): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((name) => {
    const from = before[name], to = after[name];
    if (momentary.has(name) || isOwn(name) || same(from, to)) return [];
    if (to === undefined) return [`${name} removed`];
    if (name === "ownerSwitchesSinceCheckpoint" && numberOf(to) === 0) return [];
    if (from !== undefined && typeOf(from) !== typeOf(to)) {
      return [`${name} turned from ${typeOf(from)} to ${typeOf(to)}`];
    }
    if (counters.has(name) && from !== undefined) return [`${name} +${numberOf(to) - numberOf(from)}`];
    return [`${name} set (${typeOf(to)})`];
  });
}

const counters: ReadonlySet<string> = new Set(["leaseCounter", "ownerSwitchesSinceCheckpoint"]);

/** `S`, `SS`, `M{cv:S}`, `L[N]`. */
function typeOf(value: AttributeValue): string {
  if ("M" in value) return `M{${shapeOf(value.M).replaceAll(" ", ",")}}`;
  if ("L" in value) return `L[${[...new Set(value.L.map(typeOf))].toSorted().join("|")}]`;
  return Object.keys(value)[0] ?? "nothing";
}

function same(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function textOf(value: AttributeValue | undefined): string | undefined {
  return value !== undefined && "S" in value ? value.S : undefined;
}

function numberOf(value: AttributeValue): number {
  return "N" in value ? Number(value.N) : NaN;
}

function counted(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

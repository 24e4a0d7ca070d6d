/**
 * What must hold for each write to the lease table, by any process.
 *
 * @module
 */

import { actualOwner, type Lease } from "../../lease/lease.ts";
import type { Item } from "../../aws/dynamodb.ts";
import { LEADER_KEY, WORKER_METRICS_ENTITY } from "../../store/coordinator_items.ts";
import { LEASE_ENTITY, leaseOf } from "../../store/lease_item.ts";
import type { ItemUpdate } from "../../store/item_write.ts";
import { compare, type ExtendedSequenceNumber, isShardEnd, textOf } from "../../stream/sequence_number.ts";
import type { History } from "./history.ts";
import type { Progress } from "./processed_records.ts";
import type { TableWatcher, TableWrite } from "./shared_table.ts";
import { recordsUpTo } from "../model/simulated_stream.ts";
import type { SimulatedStreams } from "./simulated_streams.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the rules look at. */
export interface LeaseRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly streams: SimulatedStreams;
  readonly failoverTimeMs: number;
  readonly handoffTimeoutMs: number;
  readonly isHandoffGraceful: boolean;
  readonly progress: Progress;
  /** The worker that a process runs. */
  readonly workerOf: (machine: string) => string;
  /** When a process said that a newer one of its name has superseded it. */
  readonly supersededMs: (machine: string) => number | undefined;
  /** Whether no process runs a worker, and none will. */
  readonly isGone: (workerId: string) => boolean;
}

/**
 * How many times a lease may be given to a worker that has died: once by a leader that cannot know yet, and
 * once by the next leader.
 */
const MOST_GIVEN_TO_A_GONE_WORKER = 2;

/** What a process has done to a lease. */
export interface Hold {
  /** When its last heartbeat that was applied was sent. */
  heartbeatMs: number;
  /**
   * When it last sent a write that gives the lease away, as holder or as leader; it may have been refused.
   */
  sentAwayMs: number;
  /**
   * When it sent the last such write that was applied while it owned the lease; counts only where handoffs
   * are graceful.
   */
  releasedMs: number;
}

/** A lease as the world has seen it. Outlives its item. */
interface LeaseRecord {
  lease: Lease | undefined;
  largest: ExtendedSequenceNumber | undefined;
  checkpointBy: string | undefined;
  /** When the counter last moved. */
  movedMs: number;
  /** Since when its owner has owned it. */
  ownedSinceMs: number;
  handoffMs: number | undefined;
  readonly holds: Map<string, Hold>;
  /**
   * Which process has brought the counter to which value, by writing it: heartbeats, checkpoints,
   * acquisitions.
   */
  readonly counters: Map<number, string>;
  /** The process that wrote the counter last by writing it. */
  writer: string | undefined;
  /** The greatest fencing token with which a processor has begun, and its process. */
  token: { readonly value: number; readonly machine: string } | undefined;
  /** How many times it was given to a worker that has died. */
  readonly givenToGone: Map<string, number>;
}

/** See the module. */
export class LeaseRules implements TableWatcher {
  readonly #options: LeaseRulesOptions;
  readonly #records = new Map<string, LeaseRecord>();
  /** When each worker that has reported last had no metrics item; `Infinity`: it has none now. */
  readonly #withoutItemMs = new Map<string, number>();

  constructor(options: LeaseRulesOptions) {
    this.#options = options;
  }

  /** The lease as it stands. */
  leaseOf(leaseKey: string): Lease | undefined {
    return this.#records.get(leaseKey)?.lease;
  }

  /** All that stand. */
  get leases(): readonly Lease[] {
    return [...this.#records.values()].flatMap(({ lease }) => lease === undefined ? [] : [lease]);
  }

  /** Whether the end of the shard was stored at some time. */
  hasEnded(leaseKey: string): boolean {
    const largest = this.#records.get(leaseKey)?.largest;
    return largest !== undefined && isShardEnd(largest);
  }

  /** The largest checkpoint ever stored, and the process that stored it. */
  checkpointOf(
    leaseKey: string,
  ): { readonly at: ExtendedSequenceNumber; readonly by: string | undefined } | undefined {
    const record = this.#records.get(leaseKey);
    return record?.largest === undefined ? undefined : { at: record.largest, by: record.checkpointBy };
  }

  /** Since when a handoff of the lease has been pending. */
  handoffSinceMs(leaseKey: string): number | undefined {
    return this.#records.get(leaseKey)?.handoffMs;
  }

  holdOf(machine: string, leaseKey: string): Hold {
    const record = this.#recordOf(leaseKey);
    let hold = record.holds.get(machine);
    if (hold === undefined) {
      hold = { heartbeatMs: -Infinity, sentAwayMs: -Infinity, releasedMs: -Infinity };
      record.holds.set(machine, hold);
    }
    return hold;
  }

  /**
   * A processor begins with a fencing token. The token is the counter as its own process has written it. The
   * counter never falls, so tokens grow from acquisition to acquisition. Of the processors that may work, the
   * last has the greatest token. A processor may begin after another worker has just taken its lease: its
   * token is then the smaller one, which is the purpose of tokens.
   */
  begun(by: string, leaseKey: string, token: number): void {
    const record = this.#recordOf(leaseKey);
    const writer = record.counters.get(token);
    if (writer !== by) {
      const who = writer ?? "nobody";
      this.#break(
        "fencingTokensGrow",
        leaseKey,
        `${by} has token ${token}, a counter that ${who} has written`,
      );
    }
    const before = record.token;
    if (before === undefined || token > before.value) record.token = { value: token, machine: by };
    else if ((token < before.value || by !== before.machine) && this.owns(by, leaseKey)) {
      const detail = `${by} owns it with token ${token}, ${before.machine} had ${before.value}`;
      const { workerOf } = this.#options;
      const areNamesakes = by !== before.machine && workerOf(by) === workerOf(before.machine);
      this.#break(areNamesakes ? "oneIncarnationDelivers" : "fencingTokensGrow", leaseKey, detail);
    }
  }

  /**
   * Whether the lease is that of a process at this moment, and not expired. A lease that was taken from a
   * process and given back directly is its own again once the process has begun it anew. What began before
   * continues until the process notices. Of two processes of one name, the lease is that of the last writer.
   */
  owns(machine: string, leaseKey: string): boolean {
    const { time, failoverTimeMs, workerOf } = this.#options;
    const { lease, ownedSinceMs, writer = machine } = this.#recordOf(leaseKey);
    const { heartbeatMs } = this.holdOf(machine, leaseKey);
    if (writer !== machine && workerOf(writer) === workerOf(machine)) return false;
    return lease !== undefined && actualOwner(lease) === workerOf(machine) && heartbeatMs >= ownedSinceMs &&
      time.nowMs - heartbeatMs <= failoverTimeMs;
  }

  sent(by: string, key: string, update: ItemUpdate): void {
    if (this.#records.get(key)?.lease === undefined) return;
    if (update.add.leaseCounter !== undefined) this.holdOf(by, key).sentAwayMs = this.#options.time.nowMs;
  }

  applied({ by, sentMs, key, before, after, update }: TableWrite): void {
    const supersededMs = this.#options.supersededMs(by);
    // Giving back the leader's lock, a version of which no other process knows, is all that is left to do.
    if (supersededMs !== undefined && sentMs > supersededMs && !(key === LEADER_KEY && after === undefined)) {
      this.#break("theSupersededAreIdle", key, `${by} wrote to it`);
    }
    const was = leaseIn(before), is = leaseIn(after);
    if (was === undefined && is === undefined) return this.#noteReport(key, before, after);
    const { history, time, workerOf } = this.#options;
    const isHeartbeat = was !== undefined && is !== undefined &&
      shown(was) === shown({ ...is, leaseCounter: was.leaseCounter });
    const what = `${update === undefined ? "put" : "update"} ${is === undefined ? "gone" : shown(is)}`;
    history.note(by, key, what, isHeartbeat);
    const record = this.#recordOf(key);
    if (was === undefined) this.#options.progress.leased(key, time.nowMs, is?.latestEpochMs);
    if (is === undefined) {
      record.counters.clear();
      record.token = undefined;
      if (!this.hasEnded(key)) this.#break("unfinishedLeaseDeleted", key, `deleted by ${by}`);
    } else {
      this.#checkCounter(key, was, is);
      this.#checkCheckpoint(by, record, was, is);
      this.#checkOwner(by, record, was, is);
      if (update?.set.leaseCounter !== undefined) {
        const hold = this.holdOf(by, key);
        hold.heartbeatMs = Math.max(hold.heartbeatMs, sentMs);
        record.counters.set(is.leaseCounter, by);
        record.writer = by;
      }
    }
    const isGivenAway = this.#options.isHandoffGraceful && was !== undefined &&
      actualOwner(was) === workerOf(by) &&
      update?.add.leaseCounter !== undefined;
    // A leader that finds its own lease expired takes it from itself like any other worker's.
    if (isGivenAway && !this.#mayBeExpired(record)) this.holdOf(by, key).releasedMs = sentMs;
    if (is?.leaseCounter !== was?.leaseCounter) record.movedMs = time.nowMs;
    if (is !== undefined && (was === undefined || actualOwner(is) !== actualOwner(was))) {
      record.ownedSinceMs = time.nowMs;
    }
    const isSameHandoff = is?.checkpointOwner !== undefined && was?.checkpointOwner !== undefined;
    if (!isSameHandoff) record.handoffMs = is?.checkpointOwner === undefined ? undefined : time.nowMs;
    record.lease = is;
  }

  #checkCounter(key: string, was: Lease | undefined, is: Lease): void {
    if (was === undefined || is.leaseCounter >= was.leaseCounter) return;
    this.#break("counterNeverFalls", key, `from ${was.leaseCounter} to ${is.leaseCounter}`);
  }

  #checkCheckpoint(by: string, record: LeaseRecord, was: Lease | undefined, is: Lease): void {
    const { streams, progress, workerOf } = this.#options;
    const { leaseKey, checkpoint } = is;
    const largest = record.largest ?? checkpoint;
    if (compare(checkpoint, largest) < 0) {
      const detail = `${by} went back from ${textOf(largest)} to ${textOf(checkpoint)}`;
      this.#break("checkpointOnlyAdvances", leaseKey, detail);
    }
    const isMoved = was !== undefined && compare(checkpoint, was.checkpoint) !== 0;
    record.largest = compare(checkpoint, largest) > 0 ? checkpoint : largest;
    if (!isMoved) return;
    record.checkpointBy = by;
    if (is.pendingCheckpoint !== undefined) {
      this.#break("checkpointEndsThePending", leaseKey, `${textOf(is.pendingCheckpoint)} is still announced`);
    }
    if (actualOwner(was) !== workerOf(by)) {
      this.#break("onlyTheOwnerCheckpoints", leaseKey, `${by} did, ${actualOwner(was)} owns it`);
    }
    const shard = streams.shardOf(leaseKey);
    if (shard === undefined) return this.#break("leaseOfAShard", leaseKey, "there is no such shard");
    const covered = recordsUpTo(shard, checkpoint), processed = progress.processedOf(leaseKey);
    if (!(covered <= processed)) {
      const detail = `${by} stored ${textOf(checkpoint)}: ${covered} records, ${processed} processed`;
      this.#break("nothingUnprocessedBehindACheckpoint", leaseKey, detail);
    }
    if (!isShardEnd(checkpoint)) return;
    if (shard.endingSequenceNumber === undefined) {
      this.#break("onlyClosedShardsEnd", leaseKey, `${by} stored SHARD_END, but the shard is open`);
    }
    const bare = shard.stream.childrenOf(shard.shardId).filter((child) => !this.#records.has(child.leaseKey));
    if (bare.length > 0) {
      const detail = `${by} stored SHARD_END: no lease for ${bare.map((child) => child.shardId).join()}`;
      this.#break("childLeasesBeforeTheEnd", leaseKey, detail);
    }
  }

  /** No worker takes a lease while its counter moves, except by a handoff that is overdue or done. */
  #checkOwner(by: string, record: LeaseRecord, was: Lease | undefined, is: Lease): void {
    if (was === undefined) return;
    if (is.leaseOwner !== was.leaseOwner) this.#checkNewOwner(record, is);
    const { time, failoverTimeMs, handoffTimeoutMs, isHandoffGraceful, workerOf } = this.#options;
    if (!isHandoffGraceful) return; // the leader just takes it
    const from = actualOwner(was);
    if (from === undefined || from === actualOwner(is) || from === workerOf(by)) return;
    if (this.#mayBeExpired(record) || this.#hadLeft(from, record)) return;
    const isHandoff = record.handoffMs !== undefined;
    if (isHandoff && isShardEnd(was.checkpoint)) return;
    if (isHandoff && time.nowMs - (record.handoffMs ?? 0) > handoffTimeoutMs + failoverTimeMs) return;
    this.#break(
      "noLiveLeaseTaken",
      is.leaseKey,
      `${by} took it from ${from}, whose counter moves`,
    );
  }

  /** A worker that has died looks like one that has just joined, but not for ever. */
  #checkNewOwner({ givenToGone }: LeaseRecord, { leaseKey, leaseOwner }: Lease): void {
    if (leaseOwner === undefined || !this.#options.isGone(leaseOwner)) return;
    const times = (givenToGone.get(leaseOwner) ?? 0) + 1;
    givenToGone.set(leaseOwner, times);
    if (times <= MOST_GIVEN_TO_A_GONE_WORKER) return;
    this.#break(
      "goneWorkersAreGivenNothing",
      leaseKey,
      `it is given to ${leaseOwner} for the ${times}th time`,
    );
  }

  /**
   * Whether the counter was unchanged for long enough that a worker may have seen it unchanged for the
   * failover time.
   */
  #mayBeExpired({ movedMs }: LeaseRecord): boolean {
    const { time, failoverTimeMs } = this.#options;
    return time.nowMs - movedMs > failoverTimeMs;
  }

  #noteReport(workerId: string, before: Item | undefined, after: Item | undefined): void {
    const { time } = this.#options;
    if (isMetrics(after)) this.#withoutItemMs.set(workerId, before === undefined ? time.nowMs : -Infinity);
    else if (isMetrics(before)) this.#withoutItemMs.set(workerId, Infinity);
  }

  /** Whether the worker was given the lease after it had left its fleet, and has not begun it. */
  #hadLeft(workerId: string, { ownedSinceMs, holds }: LeaseRecord): boolean {
    const hasBegun = [...holds].some(([machine, { heartbeatMs }]) =>
      this.#options.workerOf(machine) === workerId && heartbeatMs >= ownedSinceMs
    );
    return !hasBegun && (this.#withoutItemMs.get(workerId) ?? -Infinity) > ownedSinceMs;
  }

  #recordOf(leaseKey: string): LeaseRecord {
    let record = this.#records.get(leaseKey);
    if (record === undefined) {
      record = {
        lease: undefined,
        largest: undefined,
        checkpointBy: undefined,
        movedMs: 0,
        ownedSinceMs: -Infinity,
        handoffMs: undefined,
        holds: new Map(),
        counters: new Map(),
        writer: undefined,
        token: undefined,
        givenToGone: new Map(),
      };
      this.#records.set(leaseKey, record);
    }
    return record;
  }

  #break(invariant: string, leaseKey: string, detail: string): void {
    this.#options.history.violated(invariant, leaseKey, detail);
  }
}

function isMetrics(item: Item | undefined): boolean {
  const { entityType } = item ?? {};
  return entityType !== undefined && "S" in entityType && entityType.S === WORKER_METRICS_ENTITY;
}

/** The lease that an item holds; undefined when it is of another kind. */
export function leaseIn(item: Item | undefined): Lease | undefined {
  const { entityType } = item ?? {};
  if (
    item === undefined || (entityType !== undefined && "S" in entityType && entityType.S !== LEASE_ENTITY)
  ) {
    return undefined;
  }
  const readout = leaseOf(item);
  return readout.type === "read" ? readout.value : undefined;
}

function shown({ leaseCounter, leaseOwner, checkpointOwner, checkpoint }: Lease): string {
  const handoff = checkpointOwner === undefined ? "" : ` (still ${checkpointOwner})`;
  return `counter ${leaseCounter} owner ${leaseOwner ?? "none"}${handoff} at ${textOf(checkpoint)}`;
}

/**
 * The parts of a running worker that know one another: its identity, its part in the fleet, the leases that
 * it holds, and their cleaning. Each gets the group of settings that it reads.
 *
 * @module
 */

import { Bell } from "../async/bell.ts";
import type { TaskGroup } from "../async/task_group.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { DeliveryStarter } from "../consumer/records_delivery.ts";
import { StreaksByLease } from "../consumer/streaks.ts";
import type { CpuSource } from "../cpu_source.ts";
import type { LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import { FleetMember, type FleetMemberOptions, type SlicingMember } from "../fleet/fleet_member.ts";
import { Identity } from "../fleet/identity.ts";
import { MarkedLeaseStore } from "../fleet/marked_lease_store.ts";
import { type LeaseSyncer, ShardSyncer } from "../fleet/shard_syncer.ts";
import type { Streams } from "../fleet/streams.ts";
import { StreamsSyncer } from "../fleet/streams_syncer.ts";
import { VanishingLeaseStore } from "../fleet/vanishing_lease_store.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { TableFormat } from "../lease/table_format.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { System } from "../system.ts";
import { consumeHeldShard, type SharedByShards } from "./held_shard.ts";
import { LeaseCleaner } from "./lease_cleaner.ts";
import type { LeaseHold } from "./lease_hold.ts";
import { LeaseKeeper, type LeaseKeeperOptions } from "./lease_keeper.ts";
import type { WorkerParts } from "./parts.ts";
import type { ShardReading } from "./shard_reading.ts";

/** What a team is made of. */
export interface TeamOptions {
  readonly workerId: string;
  /** How the worker takes part in its fleet, as decided when starting up. */
  readonly format: TableFormat;
  readonly settings: WorkerSettings;
  readonly parts: WorkerParts;
  readonly streams: Streams;
  readonly processor: RecordProcessorFactory;
  readonly cpuUtilization: CpuSource | undefined;
  readonly reading: ShardReading;
  /** What all shards may read ahead, in bytes. */
  readonly budget: ByteBudget;
  /** How records reach a processor; undefined: one slice after the other. */
  readonly startDelivery: DeliveryStarter | undefined;
  readonly loadTransact: SharedByShards["loadTransact"];
  /** Owns the consumers. */
  readonly consumers: TaskGroup;
  /** Called when the lease table has been missing for too long, perhaps more than once. */
  readonly onTableGone: (error: LeaseTableError) => void;
  /** As of {@linkcode FleetMember}. @default for a worker that runs in slices */
  readonly attention?: FleetMemberOptions["attention"];
  /** What is different for a worker that runs in slices. @default an ordinary worker */
  readonly slicing?: SlicingTeam | undefined;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/** What is different for a worker that runs in slices. */
export interface SlicingTeam
  extends SlicingMember, Pick<LeaseKeeperOptions, "isKept" | "callbacksEnd" | "isFenced" | "mayBegin"> {
  /** Called when this worker, as leader, has assigned a lease to itself. */
  readonly onOwnLease: (lease: Lease) => void;
  /** Called when a shard has been read to its end; its lease is still held. */
  readonly onShardEnd: (hold: LeaseHold) => void;
}

/** The parts of a running worker. */
export interface Team {
  readonly identity: Identity;
  /** The table as this process uses it. */
  readonly leaseStore: LeaseStore;
  readonly member: FleetMember;
  readonly keeper: LeaseKeeper;
  readonly cleaner: LeaseCleaner;
  readonly streaks: StreaksByLease;
  /** Makes the keeper look for new leases immediately. */
  readonly discovery: Bell;
  /** Sets which worker gets which lease when it is handed over, by lease key. */
  readonly setSuccessors: (successors: ReadonlyMap<string, string>) => void;
}

/** Puts a team together; starts nothing. */
export function teamOf(options: TeamOptions): Team {
  const { workerId, settings, parts, streams, processor, reading, budget, slicing, system, emit } = options;
  const { clock } = system;
  const identity = new Identity({ workerId, system, emit });
  const watched = new VanishingLeaseStore({
    leaseStore: parts.leaseStore,
    tableName: settings.table.tableName,
    clock,
    emit,
    onGone: options.onTableGone,
  });
  const leaseStore = new MarkedLeaseStore(watched, identity);
  const streaks = new StreaksByLease();
  const discovery = new Bell();
  const shardEnds = new Bell();
  let successors: ReadonlyMap<string, string> = new Map();

  const member = new FleetMember({
    workerId,
    identity,
    table: settings.table,
    mode: settings.finding.streams.mode,
    leadership: settings.leadership,
    leaseDiscoveryIntervalMs: settings.leasing.leaseDiscoveryIntervalMs,
    assignment: settings.assignment,
    format: options.format,
    leaseStore,
    coordinatorStore: parts.coordinatorStore,
    leaseSyncer: leaseSyncer(options, leaseStore),
    cpuUtilization: options.cpuUtilization,
    system,
    emit,
    heldLeases: () => keeper.held.map((hold) => hold.lease),
    onOwnLease(lease) {
      slicing?.onOwnLease(lease);
      discovery.ring();
    },
    // A slice looks at its own times.
    onLookDue: slicing === undefined ? () => discovery.ring() : undefined,
    attention: options.attention,
    slicing,
  });
  const shared: SharedByShards = {
    delivery: settings.delivery,
    processor,
    streams,
    streaks,
    reading,
    budget,
    startDelivery: options.startDelivery,
    loadTransact: options.loadTransact,
    leaseStore,
    shardEnds,
    system,
    emit,
  };
  const keeper = new LeaseKeeper({
    leasing: settings.leasing,
    store: leaseStore,
    identity,
    workerId,
    clock,
    emit,
    tasks: options.consumers,
    successorOf: (lease) => successors.get(lease.leaseKey),
    ...slicing,
    async consume(hold) {
      if (!await consumeHeldShard(hold, shared)) return;
      // The children's leases wait to be assigned.
      member.assignSoon();
      slicing?.onShardEnd(hold);
    },
  });
  const cleaner = new LeaseCleaner({
    streams,
    kinesis: parts.kinesis,
    leaseStore,
    clock,
    emit,
    isCompletedKept: !settings.cleaning.cleanupLeasesUponShardCompletion,
  });
  const setSuccessors: Team["setSuccessors"] = (chosen) => void (successors = chosen);
  return { identity, leaseStore, member, keeper, cleaner, streaks, discovery, setSuccessors };
}

/** Keeps the leases of the one stream complete, or of many. */
function leaseSyncer(options: TeamOptions, leaseStore: LeaseStore): LeaseSyncer {
  const { settings: { syncing, finding }, parts: { kinesis }, streams, slicing, system: { clock }, emit } =
    options;
  const suspicions = slicing?.suspicions;
  const [stream] = streams.tracked;
  return finding.streams.mode === "one" && stream !== undefined
    ? new ShardSyncer({ syncing, stream, kinesis, leaseStore, clock, suspicions, emit })
    : new StreamsSyncer({ syncing, streams, kinesis, leaseStore, clock, emit });
}

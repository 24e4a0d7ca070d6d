/**
 * What a worker does in its fleet besides consuming. It reports that it is alive, leads where it may and the
 * lock is free, and follows when the fleet's tables change.
 *
 * A fleet may change its tables while it runs: from the three tables of KCL 3.0 to the one of KCL 3.5. Or it
 * may turn back to the rules of KCL 2.x. Until neither can happen any more, the format is decided again every
 * minute. The leases are in the same table in each case, so consuming continues; only reports and leadership
 * move.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { AssignmentOptions } from "../lease/assignment.ts";
import type { LeaderLock } from "../lease/coordinator_store.ts";
import { isDeputy } from "../lease/deputies.ts";
import type { Lease } from "../lease/lease.ts";
import { markedWorkers } from "../lease/draining.ts";
import { liveWorkers, METRICS_REPORT_INTERVAL_S } from "../lease/live_workers.ts";
import type { Incarnation } from "../lease/incarnation.ts";
import { type LockSighting, suspicionMs } from "../lease/leader.ts";
import { reportAge } from "../lease/reports.ts";
import { successors } from "../lease/succession.ts";
import type { TableWatch } from "../lease/table_watch.ts";
import type { TableFormat } from "../lease/table_format.ts";
import type { CpuSource } from "../cpu_source.ts";
import { Bell } from "../async/bell.ts";
import type { Attention, AttentionOptions } from "./attention.ts";
import { changedFormat, type FleetFormatOptions } from "./fleet_format.ts";
import type { Identity } from "./identity.ts";
import { LeaderDuties } from "./leader_duties.ts";
import { LeaderLockKeeper } from "./leader_lock.ts";
import { loop, type LoopOptions, type PassResult } from "../async/loop.ts";
import { MetricsReporter } from "./metrics_reporter.ts";
import type { LeadershipSettings } from "../options/setting_groups.ts";
import type { LeaseSyncer, Suspicions } from "./shard_syncer.ts";
import { TaskGroup } from "../async/task_group.ts";

/** What taking part needs. */
export interface FleetMemberOptions extends FleetFormatOptions {
  readonly leadership: LeadershipSettings;
  /** How often this worker looks for leases, in ms. */
  readonly leaseDiscoveryIntervalMs: number;
  readonly assignment: AssignmentOptions;
  readonly identity: Identity;
  /** As decided when starting up. */
  readonly format: TableFormat;
  readonly leaseSyncer: LeaseSyncer;
  readonly cpuUtilization: CpuSource | undefined;
  readonly emit: WorkerEventListener;
  /** The leases that this worker holds. */
  readonly heldLeases: () => readonly Lease[];
  /** Called when this worker, as leader, has assigned a lease to itself. */
  readonly onOwnLease: (lease: Lease) => void;
  /**
   * Called when this worker should look for leases now: it does so seldom while it is alone, or where looks
   * at the table show them. @default nobody listens
   */
  readonly onLookDue?: (() => void) | undefined;
  /** Makes what decides how often it looks at the fleet. A worker that runs in slices needs none. */
  readonly attention?: ((options: AttentionOptions) => Attention) | undefined;
  /** For a worker that runs in slices. @default an ordinary worker */
  readonly slicing?: SlicingMember | undefined;
}

/** What a member that runs in slices knows from earlier slices, and may do. */
export interface SlicingMember {
  /** The process that reported last under this worker's name. */
  readonly found: Incarnation | undefined;
  readonly lock: LockSighting | undefined;
  readonly watch: TableWatch | undefined;
  readonly suspicions: Suspicions | undefined;
  readonly mayCompare: () => boolean;
  /** Whether there is no other worker: it leads without a lock. */
  readonly isAlone: boolean;
}

/** What a member saw in its passes. */
export interface SlicingPass {
  /** Whether it led, or leads. */
  readonly hasLed: boolean;
  /** The lock as it was found. */
  readonly found: LeaderLock | undefined;
  readonly lock: LockSighting | undefined;
  readonly watch: TableWatch | undefined;
  readonly suspicions: Suspicions | undefined;
}

/** How many times the leader renews its lock within the lock's duration. */
const HEARTBEATS_PER_LOCK = 5;
/** The same while nothing is under way and nobody needs to ring: as often as KCL does. */
const CALM_HEARTBEATS_PER_LOCK = 4;
/** How many times a deputy looks at the lock between two of its heartbeats. */
const LOOKS_PER_HEARTBEAT = 2;
/** Any other worker looks once in this many heartbeats: all workers read the same item. */
const HEARTBEATS_PER_LOOK = 2;

/** One worker's part in its fleet. */
export class FleetMember {
  readonly #options: FleetMemberOptions;
  readonly #reporter: MetricsReporter;
  readonly #assignment = new Bell();
  readonly #report = new Bell();
  readonly #heartbeatMs: number;
  /** Monotonic ms by which a leader assigns, though a look would do. */
  #assignByMs = -Infinity;
  readonly #attention: Attention | undefined;
  #format: TableFormat;
  #lock: LeaderLockKeeper;
  /** Of a member that runs in slices. */
  #leader: LeaderDuties | undefined;

  constructor(options: FleetMemberOptions) {
    this.#options = options;
    this.#format = options.format;
    this.#heartbeatMs = options.leadership.failoverTimeMs / HEARTBEATS_PER_LOCK;
    this.#reporter = new MetricsReporter({
      store: options.coordinatorStore,
      workerId: options.workerId,
      identity: options.identity,
      format: options.format,
      cpuUtilization: options.cpuUtilization,
      found: options.slicing?.found,
      clock: options.system.clock,
      emit: options.emit,
    });
    this.#attention = this.#newAttention();
    this.#lock = this.#newLock();
  }

  /** Reports that this worker is alive; from then on leases may be assigned to it. */
  async report(signal: AbortSignal): Promise<void> {
    await this.#reporter.report(signal);
  }

  /** How often it looks at the fleet. */
  get attention(): Attention | undefined {
    return this.#attention;
  }

  /** Makes the leader look at the leases immediately, if this worker is the leader. */
  assignSoon(): void {
    this.#assignByMs = -Infinity;
    this.#assignment.ring();
  }

  /**
   * Takes part until the signal aborts, and waits for the pass under way.
   *
   * @throws {LeaseTableError} when this worker must not take part any longer.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { emit } = this.#options;
    const failure = new AbortController();
    const running = AbortSignal.any([signal, failure.signal]);
    const measuring = this.#reporter.capture(running);
    try {
      while (!signal.aborted) {
        const next = await this.#takePart(running);
        if (next === undefined) return;
        // The lock of the old format must be released before the new format begins. If that fails, the lock
        // expires, since no worker renews it.
        await this.#lock.release("the fleet's tables have changed", signal).catch((error) => {
          const text = `Could not release the leader's lock; it runs out by itself: ${errorText(error)}`;
          emit({ type: "notice", level: "warning", leaseKey: undefined, text });
        });
        this.#format = next;
        this.#attention?.follow(this.#isWhole);
        this.#lock = this.#newLock();
        this.#reporter.follow(next);
      }
    } finally {
      failure.abort();
      await measuring;
    }
  }

  /**
   * One step with the lock, and one pass where this worker leads: for a worker that runs in slices, in place
   * of {@linkcode run}.
   *
   * @throws what the table threw.
   */
  async pass(signal: AbortSignal): Promise<SlicingPass> {
    const lock = this.#lock;
    const isAlone = this.#options.slicing?.isAlone === true;
    if (!isAlone) await lock.step(signal);
    const isLeading = isAlone || lock.isLeading;
    if (isLeading) {
      this.#leader ??= this.#newLeader(lock);
      try {
        await this.#leader.lead(signal);
        lock.passEnded(true);
      } catch (error) {
        lock.passEnded(false);
        throw error;
      }
    }
    const watch = this.#leader?.seen ?? this.#options.slicing?.watch;
    const { suspicions } = this.#options.leaseSyncer;
    return { hasLed: isLeading, found: lock.found, lock: lock.sighting, watch, suspicions };
  }

  /** Makes sure that nothing more is assigned to this worker. */
  async withdraw(signal: AbortSignal): Promise<void> {
    await this.#reporter.withdraw(signal);
  }

  /** Which worker should get each of this worker's leases when it leaves. */
  async successors(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { workerId, identity, leaseStore, coordinatorStore, system: { clock } } = this.#options;
    const { leases, workers } = await leaseStore.list(signal);
    const legacy = this.#format.mayLead ? [] : await coordinatorStore.listLegacyWorkerMetrics(signal);
    for (const { incarnation } of legacy) identity.see(incarnation);
    const now = { epochS: clock.epochMs() / 1000, ms: clock.monotonicMs() };
    const items = [...workers, ...legacy];
    const live = liveWorkers(items, reportAge(new Map(), now));
    return successors({ workerId, leases, workers: live, marked: markedWorkers(items) });
  }

  /** Gives the lock back, if this worker leads. */
  async release(reason: string, signal: AbortSignal): Promise<void> {
    await this.#lock.release(reason, signal);
  }

  /**
   * Runs the loops of one format. @returns the format to continue with; undefined when the signal aborted.
   */
  async #takePart(signal: AbortSignal): Promise<TableFormat | undefined> {
    const ended = new AbortController();
    const during = AbortSignal.any([signal, ended.signal]);
    let next: TableFormat | undefined;
    const tasks = new TaskGroup((error) => ended.abort(error));
    this.#startLoops(tasks, during);
    if (!this.#format.isFinal) {
      tasks.run(async () => {
        next = await changedFormat(this.#options, this.#format, during);
        ended.abort();
      });
    }
    await tasks.done();
    if (signal.aborted) return undefined;
    if (next === undefined) throw ended.signal.reason;
    return next;
  }

  #startLoops(tasks: TaskGroup, signal: AbortSignal): void {
    const { emit, system: { clock }, leadership: { failoverTimeMs, leaseAssignmentIntervalMs } } =
      this.#options;
    const lock = this.#lock;
    const heartbeatMs = this.#heartbeatMs;
    const run = (
      timing: Omit<LoopOptions, "clock" | "emit">,
      work: (signal: AbortSignal) => Promise<PassResult>,
    ) => tasks.run(() => loop({ clock, emit, ...timing }, work, signal));

    run(
      { pass: "workerMetrics", intervalMs: METRICS_REPORT_INTERVAL_S * 1000, bell: this.#report },
      (signal) => this.#reporter.report(signal),
    );
    if (!this.#format.mayLead) return;
    const leader = this.#newLeader(lock);
    const ours = { durationMs: failoverTimeMs, heartbeatMs };
    const isLeaderGone = () => lock.silentMs(clock.monotonicMs()) > suspicionMs(lock.found, ours);
    const attention = this.#attention;
    if (attention === undefined) throw new TypeError("Cannot run a member: expected attention: got none");
    let knownBefore = "false false false";
    run({ pass: "leadership", intervalMs: heartbeatMs }, async (signal) => {
      const hasLed = lock.isLeading;
      if (!hasLed && lock.sighting !== undefined) {
        const look = await attention.look(signal);
        if (look !== undefined) leader.note(look);
      }
      const dueInMs = await lock.step(signal);
      if (lock.isLeading && !hasLed) attention.endRest();
      // Who looks at the whole table watches the leases already.
      const known = `${lock.isLeading} ${isLeaderGone() && !attention.isShared} ${attention.isResting}`;
      if (known !== knownBefore) {
        this.assignSoon();
        attention.searchSoon();
      }
      knownBefore = known;
      if (lock.isLeading) return Math.min(dueInMs, heartbeatMs);
      if (attention.isShared) return Math.min(dueInMs, attention.lookMs);
      const heartbeats = this.#isDeputy ? 1 / LOOKS_PER_HEARTBEAT : HEARTBEATS_PER_LOOK;
      return Math.min(dueInMs, heartbeats * heartbeatMs);
    });
    run(
      { pass: "assignment", intervalMs: leaseAssignmentIntervalMs, bell: this.#assignment },
      async (signal) => {
        if (!lock.isLeading) {
          // A deputy that leads next has then watched the leases for a while, and need not start from zero.
          if (isLeaderGone() && this.#isDeputy && !attention.isShared) await leader.watch(signal);
          return "skipped"; // no success of a leader
        }
        try {
          // Where looks are more frequent than assignments, most are looks and nothing more.
          if (attention.isShared && 2 * attention.lookMs <= this.#assignByMs - clock.monotonicMs()) {
            await leader.watch(signal);
            return attention.lookMs;
          }
          const expiryInMs = await leader.lead(signal);
          if (!lock.isLeading) return "skipped"; // the term ended during the pass
          const { assignmentMs } = attention;
          lock.passEnded(true, assignmentMs - leaseAssignmentIntervalMs);
          const assignInMs = Math.min(expiryInMs, assignmentMs);
          this.#assignByMs = clock.monotonicMs() + assignInMs;
          return attention.isShared && !attention.isResting
            ? Math.min(assignInMs, attention.lookMs)
            : assignInMs;
        } catch (error) {
          lock.passEnded(false);
          throw error;
        }
      },
    );
  }

  get #isDeputy(): boolean {
    return isDeputy(this.#options.heldLeases());
  }

  /** Whether the lock and the reports are in the lease table. */
  get #isWhole(): boolean {
    return this.#format.mayLead && this.#format.place === "leaseTable";
  }

  #newAttention(): Attention | undefined {
    const { workerId, leaseStore, coordinatorStore, leadership, leaseDiscoveryIntervalMs } = this.#options;
    return this.#options.attention?.({
      workerId,
      leaseStore,
      clock: this.#options.system.clock,
      leadership,
      leaseDiscoveryIntervalMs,
      lockLookMs: this.#heartbeatMs / LOOKS_PER_HEARTBEAT,
      heldLeases: this.#options.heldLeases,
      isLeading: () => this.#lock.isLeading,
      canHear: () => coordinatorStore.ringLock !== undefined,
      onGlance: (glance) => this.#lock.glance(glance),
      onLookDue: this.#options.onLookDue,
      isWhole: this.#isWhole,
    });
  }

  #newLock(): LeaderLockKeeper {
    const { coordinatorStore, workerId, identity, leadership, slicing, system, emit } = this.#options;
    return new LeaderLockKeeper({
      store: coordinatorStore,
      place: this.#format.place,
      workerId,
      identity,
      durationMs: leadership.failoverTimeMs,
      heartbeatMs: this.#heartbeatMs,
      ownHeartbeatMs: () =>
        this.#attention?.isCalm ? leadership.failoverTimeMs / CALM_HEARTBEATS_PER_LOCK : this.#heartbeatMs,
      // A deputy has watched the leases, so it leads first. Another worker waits, and leads if no deputy has.
      patienceMs: () => this.#isDeputy ? 0 : this.#heartbeatMs,
      sighting: slicing?.lock,
      isNameOurs: slicing !== undefined,
      onRing: () => {
        this.#attention?.endRest();
        this.assignSoon();
      },
      system,
      emit,
    });
  }

  #newLeader(lock: LeaderLockKeeper): LeaderDuties {
    const { workerId, leaseStore, coordinatorStore, leaseSyncer, slicing, system, emit } = this.#options;
    const { assignment, leadership: { leaseAssignmentIntervalMs, leaseAuditIntervalMs } } = this.#options;
    const attention = this.#attention;
    return new LeaderDuties({
      workerId,
      leaseStore,
      list: attention === undefined ? undefined : (signal) => attention.list(signal),
      coordinatorStore,
      place: this.#format.place,
      assignment,
      leaseAssignmentIntervalMs,
      leaseSyncer,
      leaseAuditIntervalMs,
      system,
      emit,
      watch: slicing?.watch,
      mayCompare: slicing?.mayCompare,
      isLeading: () => slicing?.isAlone === true || lock.isLeading,
      onProgress: () => lock.passGetsOn(),
      onOwnLease: (lease) => {
        this.#attention?.forgetLook();
        this.#options.onOwnLease(lease);
      },
      onOwnHandoff: () => this.#attention?.searchSoon(),
      onLook: (look) => this.#attention?.seeAsLeader(look),
      onOwnItemMissing: () => this.#report.ring(),
    });
  }
}

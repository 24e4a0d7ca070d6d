/**
 * Deliberate bugs, each of which has been somebody's real one: in KCL, in a port of it, or here.
 *
 * @module
 */

/** One bug: a piece of a file, and what it is replaced by. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Must be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong. */
  readonly why: string;
  /** The test file that finds it, where the simulation cannot see it. */
  readonly test?: string;
}

/** See the module. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "renew-without-counter",
    file: "src/lease/lease_write.ts",
    find: `when: lease.checkpointOwner === undefined
      ? { leaseCounter: lease.leaseCounter, checkpointOwner: null }
      : { leaseCounter: lease.leaseCounter },`,
    replace: `when: { exists: true },`,
    why: "a worker that was away renews what others own by now",
  },
  {
    name: "checkpoint-without-counter",
    file: "src/lease/lease_write.ts",
    find: `["kcliteDone" as const]),
    ],
    when: { leaseCounter: lease.leaseCounter },`,
    replace: `["kcliteDone" as const]),
    ],
    when: { exists: true },`,
    why: "a worker that was away overwrites the checkpoint of the next owner",
  },
  {
    name: "assign-without-the-counter",
    file: "src/lease/lease_write.ts",
    find: `    leaseCounter: lease.leaseCounter,
    leaseOwner: lease.leaseOwner ?? null,`,
    replace: `    leaseOwner: lease.leaseOwner ?? null,`,
    why: "a leader that acts on an old scan takes a lease from an owner that has come back meanwhile",
  },
  {
    name: "assign-without-any-fence",
    file: "src/lease/lease_write.ts",
    find: `    leaseCounter: lease.leaseCounter,
    leaseOwner: lease.leaseOwner ?? null,
    checkpointOwner: lease.checkpointOwner ?? null,`,
    replace: ``,
    why: "a leader that acts on an old scan takes a lease from its new owner",
  },
  {
    name: "read-after-the-checkpoint",
    file: "src/retrieval/start_position.ts",
    find: `return { type: "AT_SEQUENCE_NUMBER", sequenceNumber };`,
    replace: `return { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber };`,
    why: "the rest of an aggregate is lost when a checkpoint lies inside of it",
  },
  {
    name: "resume-at-the-tip",
    file: "src/retrieval/start_position.ts",
    find: `this.#asked = { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: resumeAfter };`,
    replace: `this.#asked = { type: "LATEST" };`,
    why: "what came while an iterator was expired is lost",
  },
  {
    name: "checkpoint-before-delivery",
    file: "src/consumer/delivery.ts",
    find: `held.countBytes(bytes);`,
    replace: `held.countBytes(bytes);
    await context.checkpoint().catch(() => {});`,
    why: "a crash inside the processor loses the batch",
  },
  {
    name: "failed-batch-counts-as-delivered",
    file: "src/consumer/delivery.ts",
    find: `    checkpointer.undeliver(done?.last ?? before);
`,
    replace: ``,
    why: "the last checkpoint of a stopping worker covers a batch that failed",
  },
  {
    name: "deliver-the-checkpoint-again",
    file: "src/consumer/batch.ts",
    find: `compare(record, reached) > 0`,
    replace: `compare(record, reached) >= 0`,
    why: "each start repeats the record at the checkpoint",
  },
  {
    name: "no-look-at-the-hold-before-delivery",
    file: "src/consumer/delivery.ts",
    find: `    await held.ensureHeld();
`,
    replace: ``,
    why: "a process that slept delivers under a lease that has expired meanwhile",
  },
  {
    name: "hold-never-expires",
    file: "src/worker/lease_hold.ts",
    find: `return locallyExpired(this.#incrementedMs, failoverTimeMs, clock.monotonicMs());`,
    replace: `return locallyExpired(clock.monotonicMs(), failoverTimeMs, clock.monotonicMs());`,
    why: "a worker that cannot reach the table goes on beside the next owner",
  },
  {
    name: "deliver-before-the-last-renewal-is-confirmed",
    file: "src/worker/lease_hold.ts",
    find: `    await this.#revival;
`,
    replace: ``,
    why: "a process that slept delivers before it knows that nobody took the lease meanwhile",
  },
  {
    name: "last-renewal-without-counter",
    file: "src/worker/lease_hold.ts",
    find: `await this.#writeNow((lease) => renew(lease));`,
    replace: `await this.#writeNow((lease) => ({ ...renew(lease), when: { exists: true } }));`,
    why: "a process that slept renews what others own by now",
  },
  {
    name: "last-renewal-by-a-slow-answer",
    file: "src/worker/lease_hold.ts",
    find: `while (this.#isExpired()) await this.#inTurn(() => this.#confirmHeld());`,
    replace: `await this.#inTurn(() => this.#confirmHeld());`,
    why:
      "a renewal whose answer is older than the failover time counts as the proof that nobody took the lease",
  },
  {
    name: "hold-counts-from-the-answer",
    file: "src/worker/lease_hold.ts",
    find: `if (isIncremented) this.#incrementedMs = sentMs;`,
    replace: `if (isIncremented) this.#incrementedMs = this.#options.clock.monotonicMs();`,
    why: "after a slow renewal the owner believes in its lease longer than those who watch it",
  },
  {
    name: "no-fence-at-the-start",
    file: "src/worker/lease_keeper.ts",
    find: `await store.apply(write, signal);
    if (!outcome.applied ||`,
    replace: `await Promise.resolve({ applied: true as const, lease });
    if (!outcome.applied ||`,
    why: "a lease is started on the word of a read that may be long past",
  },
  {
    name: "processes-of-a-name-are-one",
    file: "src/fleet/identity.ts",
    find: `      generation: Math.max(0, Math.floor(system.clock.epochMs())),
      nonce: nonceOf(system.random),`,
    replace: `      generation: 0,
      nonce: "0",`,
    why:
      "each of two processes of one name takes the other's renewals for its own, and both deliver for ever",
  },
  {
    name: "a-process-is-the-one-before-it",
    file: "src/fleet/identity.ts",
    find: `this.#incarnation = above(found, own);`,
    replace: `this.#incarnation = found.workerId === own.workerId ? found : own;`,
    why: "a second process of a name takes over what the first one is, which may still run",
  },
  {
    name: "superseded-but-holding",
    file: "src/worker/lease_keeper.ts",
    find: `this.held.forEach((hold) => hold.drop("superseded"))`,
    replace: `{}`,
    why: "a superseded worker goes on with the leases that the newer process has not begun yet",
  },
  {
    name: "superseded-but-busy",
    file: "src/worker/worker.ts",
    find: `AbortSignal.any([running, superseded])`,
    replace: `running`,
    why: "a superseded leader keeps the lock and assigns nothing",
  },
  {
    name: "start-before-the-handoff-is-over",
    file: "src/lease/handoff.ts",
    find: `return lease.leaseOwner === workerId && lease.checkpointOwner === undefined;`,
    replace: `return lease.leaseOwner === workerId;`,
    why: "the next owner reads while the present one still drains",
  },
  {
    name: "next-owner-does-not-wait",
    file: "src/lease/handoff.ts",
    find: `return lease.leaseOwner === view.workerId && view.expired;`,
    replace: `return lease.leaseOwner === view.workerId;`,
    why: "the next owner ends a handoff whose present owner is at work",
  },
  {
    name: "handoff-overdue-at-once",
    file: "src/lease/handoff.ts",
    find: `rule.nowMs - sighting.firstSeenMs > rule.timeoutMs + rule.failoverTimeMs;`,
    replace: `rule.nowMs - sighting.firstSeenMs > 0;`,
    why: "the leader ends handoffs whose owners still have time to drain",
  },
  {
    name: "expired-at-first-sight",
    file: "src/lease/expiry.ts",
    find: `return { leaseCounter, sinceMs: stands ? before.sinceMs ?? nowMs : nowMs };`,
    replace: `const sinceMs = before === undefined ? nowMs - 1e6 : stands ? before.sinceMs ?? nowMs : nowMs;
  return { leaseCounter, sinceMs };`,
    why: "a new leader takes the leases of all workers",
  },
  {
    name: "given-leases-are-a-sign-of-life",
    file: "src/lease/silence.ts",
    find: `else if (!unbegun.has(lease.leaseKey)) renewing.add`,
    replace: `else if (owner !== "") renewing.add`,
    why: "a dead worker is given leases again and again, for each keeps it alive while another one expires",
  },
  {
    name: "items-of-the-gone-stay",
    file: "src/lease/silence.ts",
    find: `if ((isSilent && silence.hadBegun) || hasMissedReports) gone.push(item);`,
    replace: `if (isSilent && silence.hadBegun) gone.push(item);`,
    why: "the item of a worker that died without a lease stays for ever",
  },
  {
    name: "waiting-workers-are-taken-for-gone",
    file: "src/lease/silence.ts",
    find: `const MISSED_MS = 2 * METRICS_REPORT_INTERVAL_S * 1000;`,
    replace: `const MISSED_MS = 20_000 + 0 * METRICS_REPORT_INTERVAL_S;`,
    why: "a live worker that waits for its part loses its item between two reports",
  },
  {
    name: "expiry-by-the-wall-clock",
    file: "src/fleet/leader_duties.ts",
    find: `const startedMs = system.clock.monotonicMs();
    let listing`,
    replace: `const startedMs = system.clock.epochMs();
    let listing`,
    why: "two clocks that have nothing to do with one another are compared",
  },
  {
    name: "child-after-the-first-parent",
    file: "src/consumer/parents.ts",
    find: `parentShardIds.map(async`,
    replace: `parentShardIds.slice(0, 1).map(async`,
    why: "after a merge, records overtake those of the second parent",
  },
  {
    name: "child-beside-its-parents",
    file: "src/consumer/parents.ts",
    find: `return parent !== undefined && !isShardEnd(parent.checkpoint) ? [shardId] : [];`,
    replace: `return parent === undefined ? [shardId] : [];`,
    why: "records overtake those of the parents",
  },
  {
    name: "end-before-the-child-leases",
    file: "src/consumer/shard_consumer.ts",
    find: `        await this.#streaks.rest(system.clock, this.#leave);
        continue;
      }
`,
    replace: `      }
`,
    why: "a worker that dies between the two leaves shards that nobody reads",
  },
  {
    name: "end-in-the-last-checkpoint",
    file: "src/consumer/shard_consumer.ts",
    find: `    let areChildrenReady = children.length === 0, isWaiting = false;
`,
    replace: `    let areChildrenReady = children.length === 0, isWaiting = false;
    checkpointer.reachShardEnd();
`,
    why: "a worker that stops at the end of a shard stores SHARD_END before the children have leases",
  },
  {
    name: "checkpoint-goes-back",
    file: "src/worker/lease_hold.ts",
    find: `      compare(at, lease.checkpoint) < 0
`,
    replace: `      compare(at, lease.checkpoint) < -1
`,
    why: "a checkpoint whose answer was lost is taken back by the retry of its batch",
  },
  {
    name: "failed-checkpoint-is-remembered",
    file: "src/consumer/checkpointer.ts",
    find: `    const startedMs = this.#clock.monotonicMs();
`,
    replace: `    const startedMs = this.#clock.monotonicMs();
    this.#last = target;
`,
    why: "a shard whose end could not be stored counts as done",
  },
  {
    name: "release-before-shutdown-requested",
    file: "src/consumer/shard_consumer.ts",
    find: `      this.enter("shutdownRequested");
`,
    replace: `      this.enter("shutdownRequested");
      await this.#held.handOver();
`,
    why: "the processor's last checkpoint comes too late",
  },
  {
    name: "no-drain-when-stopping",
    file: "src/worker/worker.ts",
    find: `    keeper.drain("the worker is stopping");
`,
    replace: "",
    why: "a stop takes all of its grace",
  },
  {
    name: "repeat-what-is-checkpointed",
    file: "src/consumer/delivery.ts",
    find: `const before = checkpointer.largest;`,
    replace: `const before = context.initialCheckpoint;`,
    why: "a repeated batch begins with records that were checkpointed inside of it",
  },
  {
    name: "begin-under-an-expired-lease",
    file: "src/consumer/shard_consumer.ts",
    find: `return !this.#leave.aborted && await this.#isHeld() && !this.#leave.aborted;`,
    replace: `return !this.#leave.aborted;`,
    why: "a process that slept starts a processor under a lease that has expired meanwhile",
  },
  {
    name: "read-from-what-turned-up",
    file: "src/consumer/shard_consumer.ts",
    find: `const lease = { ...this.#lease, checkpoint: checkpointer.largest };`,
    replace: `const lease = this.#held.lease;`,
    why:
      "a processor is told one checkpoint, and gets the records after another one whose answer had been lost",
  },
  {
    name: "end-that-turned-up-is-read-from",
    file: "src/consumer/shard_consumer.ts",
    find:
      `      if (isShardEnd(this.#held.lease.checkpoint)) return this.#completed(); // its answer had been lost
`,
    replace: "",
    why:
      "a shard whose end was stored, its answer lost, is read from SHARD_END on, which Kinesis refuses for ever",
  },
  {
    name: "note-children-without-counter",
    file: "src/lease/lease_write.ts",
    find: `    set: { childShardIds },
    add: {},
    remove: [],
    when: { leaseCounter: lease.leaseCounter },`,
    replace: `    set: { childShardIds },
    add: {},
    remove: [],
    when: { exists: true },`,
    why: "an owner at the end of its shard takes the lease of the next one for its own",
  },
  {
    name: "prepared-checkpoint-not-cleared",
    file: "src/lease/lease_write.ts",
    find: `      "pendingCheckpoint",
      "pendingCheckpointSubSequenceNumber",
      "pendingCheckpointState",
      // Otherwise`,
    replace: `      // Otherwise`,
    why: "the next owner finds work announced that was done long ago",
  },
  {
    name: "sub-sequence-number-not-stored",
    file: "src/lease/lease_write.ts",
    find: `checkpointSubSequenceNumber: at.subSequenceNumber,
      ownerSwitchesSinceCheckpoint: 0,`,
    replace: `checkpointSubSequenceNumber: 0,
      ownerSwitchesSinceCheckpoint: 0,`,
    why: "a checkpoint inside of an aggregate repeats what was done of it",
  },
  {
    name: "fencing-token-from-the-wrong-counter",
    file: "src/worker/lease_hold.ts",
    find: `this.fencingToken = lease.leaseCounter;`,
    replace: `this.fencingToken = lease.ownerSwitchesSinceCheckpoint;`,
    why: "a former owner overwrites what the next one has written to the user's database",
  },
  {
    name: "latest-time-forgotten",
    file: "src/retrieval/start_position.ts",
    find: `: { type: "AT_TIMESTAMP", timestampMs: createdAtLatest.epochMs - LATEST_MARGIN_MS };`,
    replace: `: { type: "LATEST" };`,
    why: "what came between the making of a lease at LATEST and its first reading is lost",
  },
  {
    name: "first-leases-completed-as-of-now",
    file: "src/fleet/shard_syncer.ts",
    find: `const hasBegun = isFirstSync && initialPosition === "LATEST" && begun.length > 0;`,
    replace: `const hasBegun = false;`,
    why: "LATEST means another time for the shards whose leases were made after a failure",
  },
  {
    name: "child-lease-at-latest",
    file: "src/lease/child_leases.ts",
    find: `checkpoint: positionAt("TRIM_HORIZON"),`,
    replace: `checkpoint: positionAt("LATEST"),`,
    why: "the first records of the children are skipped",
  },
  {
    name: "merge-remembers-one-parent",
    file: "src/lease/child_leases.ts",
    find: `parentShardIds: child.parentShards,`,
    replace: `parentShardIds: child.parentShards.slice(0, 1),`,
    why: "after a merge, records overtake those of the parent that is forgotten",
  },
  {
    name: "trimmed-checkpoint-reads-from-the-tip",
    file: "src/retrieval/start_position.ts",
    find: `      case "trim-horizon":
        return false;`,
    replace: `      case "trim-horizon":
        this.#position = { type: "LATEST" };
        return true;`,
    why: "a shard that was read by nobody for long skips what is still there",
  },
  {
    name: "polling-believes-any-end",
    file: "src/retrieval/polling.ts",
    find: `: await confirmedEnd(shardEnd, request.shardId, signal);`,
    replace: `: { childShards: [] };`,
    why: "a shard whose end names no children is done before they have leases",
  },
  {
    name: "fan-out-believes-any-end",
    file: "src/retrieval/fan_out.ts",
    find: `: await confirmedEnd(shardEnd, shardId, signal);`,
    replace: `: { childShards: [] };`,
    why: "a shard whose end names no children is done before they have leases",
  },
  {
    name: "subscription-end-taken-for-the-end-of-the-shard",
    file: "src/retrieval/fan_out.ts",
    find: `        yield page;
        if (page.end !== undefined) return;
        resumeAfter = next;
        askedMs = clock.monotonicMs();
      }
`,
    replace: `        yield page;
        if (page.end !== undefined) return;
        resumeAfter = next;
        askedMs = clock.monotonicMs();
      }
      yield { records: [], bytes: 0, millisBehindLatest: 0, end: { childShards: [] } };
      return;
`,
    why: "each subscription ends after five minutes, and the shard with it",
  },
  {
    name: "fan-out-resumes-from-the-wrong-number",
    file: "src/retrieval/fan_out.ts",
    find: `resumeAfter = next;`,
    replace: "resumeAfter = next === undefined ? undefined : `${BigInt(next) + 5n}`;",
    why: "the first records after a subscription that ended are lost",
  },
  {
    name: "silent-subscription-is-waited-for",
    file: "src/retrieval/fan_out.ts",
    find: `await nextEvent(incoming, clock, closing.signal);`,
    replace: `await incoming.next();`,
    why: "a connection that died quietly is never given up",
  },
  {
    name: "read-ahead-over-the-worker's-bytes",
    file: "src/retrieval/read_ahead.ts",
    find: `this.#bytes < bytes &&
      this.#budget.hasRoomFor(this.#expected);`,
    replace: `this.#bytes < bytes;`,
    why: "a worker with many shards runs out of memory",
  },
  {
    name: "read-ahead-without-a-bound-of-pages",
    file: "src/retrieval/read_ahead.ts",
    find: `return this.#pages.length < pages && this.#records`,
    replace: `return this.#records`,
    why: "a slow processor has its shard read for minutes ahead",
  },
  {
    name: "pacing-ignored",
    file: "src/retrieval/pacing.ts",
    find: `return last.startedMs + Math.max(byCalls, byBytes, restMs(last, pacing));`,
    replace: `return last.startedMs + restMs(last, pacing);`,
    why: "the service refuses every reader of the shard for a second",
  },
  {
    name: "pace-from-before-the-iterator",
    file: "src/retrieval/polling.ts",
    find: `      startedMs = clock.monotonicMs(); // an iterator`,
    replace: `      // an iterator`,
    why: "after a slow iterator two reads follow at once",
  },
  {
    name: "parents-of-another-stream",
    file: "src/consumer/parents.ts",
    find: `leaseStore.get(leaseKeyOf(shardId, streamIdentifier), signal)`,
    replace: `leaseStore.get(leaseKeyOf(shardId), signal)`,
    why:
      "of many streams, records overtake those of the parents, whose leases are looked for under another key",
  },
  {
    name: "children-of-another-stream",
    file: "src/consumer/child_creation.ts",
    find: `const { streamIdentifier } = held.lease;`,
    replace: `const streamIdentifier = undefined;`,
    why: "of many streams, the children of a shard get leases that belong to no stream",
  },
  {
    name: "stream-not-listed-is-not-read",
    file: "src/fleet/streams.ts",
    find: `return this.#tracked.get(streamIdentifier) ?? this.#other(lease.leaseKey, streamIdentifier);`,
    replace: `return this.#tracked.get(streamIdentifier);`,
    why: "a worker whose list lacks a stream holds its leases, and reads nothing",
  },
  {
    name: "streams-audited-as-one",
    file: "src/fleet/streams_syncer.ts",
    find: `byStream.get(member.stream.streamIdentifier) ?? []`,
    replace: `leases`,
    why: "a stream without leases is taken for covered, because another one is",
  },
  {
    name: "half-made-first-leases-given-out",
    file: "src/fleet/leader_duties.ts",
    find: `const leases = leasesToGiveOut(listing.leases);`,
    replace: `const { leases } = listing;`,
    why: "of many streams one fails half way, and the rest of its first leases wait for audits",
  },
  {
    name: "refused-iterators-replaced-for-ever",
    file: "src/retrieval/polling.ts",
    find: `if (isRepairable && ++streak.repairs <= MOST_REPAIRS) {`,
    replace: `if (isRepairable) {`,
    why: "a shard that refuses its iterators is asked five times a second for ever, and nobody hears of it",
  },
  {
    name: "unreadable-iterator-kept",
    file: "src/retrieval/polling.ts",
    find: `if (isRepairable || malformed >= MAX_MALFORMED) {`,
    replace: `if (isRepairable) {`,
    why: "an iterator that brings nothing that can be read holds its shard up until it expires",
  },
  {
    name: "first-slice-ends-the-shard",
    file: "src/consumer/shard_consumer.ts",
    find: `const isEnd = slice.isLast && page.end !== undefined;`,
    replace: `const isEnd = page.end !== undefined;`,
    why: "of the last page of a shard only the first slice is delivered",
  },
  {
    name: "slice-begins-beyond-the-checkpoint",
    file: "src/consumer/slices.ts",
    find: `let done = this.#after.subSequenceNumber + 1;`,
    replace: `let done = this.#after.subSequenceNumber + 2;`,
    why: "a restart within an aggregate loses the user record that follows its checkpoint",
  },
  {
    name: "aggregate-that-does-not-fit-is-dropped",
    file: "src/consumer/slices.ts",
    find: `        if (this.#head.left > 0) break;
`,
    replace: ``,
    why: "what does not fit into a slice is not in the next one either",
  },
  {
    name: "checkpoint-by-number-refused-within-an-aggregate",
    file: "src/consumer/checkpointer.ts",
    find: `const target = this.#isWithinLast(named) ? this.#last : named;`,
    replace: `const target = named;`,
    why: "a program that names sequence numbers alone fails at every aggregate that comes in slices",
  },
  {
    name: "open-shards-are-not-compared",
    file: "src/fleet/shard_syncer.ts",
    find: `if (!await this.#audit.compare(leases, leading, signal)) return false;`,
    replace: `if (leases.length >= 0) return false;`,
    why: "leases of an earlier stream cover all hash keys, and half of the shards are read by nobody",
  },
  {
    name: "faults-end-with-leadership",
    file: "src/observe/worker_totals.ts",
    find: `return { ...worker, leader: false, fleet: undefined };`,
    replace: `return { ...worker, leader: false, fleet: undefined, fleetFaults: [], passFailures: {} };`,
    why: "a leader that fails gives the lock back, and looks healthy until it fails again",
  },
  {
    name: "faults-of-the-fleet-are-nobody's",
    file: "src/observe/verdict.ts",
    find: `for (const found of worker.fleetFaults) yield fault(found.code, fleetFaultText(found));`,
    replace: ``,
    why: "open shards are unread, no pass of the leader fails, and the fleet looks healthy",
  },
  {
    name: "a-failure-is-never-over",
    file: "src/observe/worker_totals.ts",
    find: `return withoutFailure(worker, event.pass);`,
    replace: `return worker;`,
    why: "a fleet that is in order again looks unhealthy for ever",
  },
  {
    name: "requests-of-a-slice-have-no-limit",
    file: "src/edge/requests.ts",
    find: `const mustStop = () => this.#phase === "work" && this.#count >= max - Math.max(kept(), last);
    if (mustStop()) onLimit();
    if (mustStop()) return false;
    if (this.#count >= (this.#phase === "last" ? max : max - last)) {`,
    replace: `if (this.#count < 0) onLimit();
    if (this.#count >= 1e9) {`,
    why: "a platform that allows fifty requests kills the slice in its midst, with nothing stored",
  },
  {
    name: "requests-of-a-slice-all-at-once",
    file: "src/edge/requests.ts",
    find: `return this.#inFlight < concurrent;`,
    replace: `return true;`,
    why: "a seventh connection of a Worker waits for the others, and for the user's own",
  },
  {
    name: "requests-for-stopping-are-not-counted",
    file: "src/edge/requests.ts",
    find: `    this.#count++;
    this.#inFlight++;`,
    replace: `    if (this.#phase === "work") this.#count++;
    this.#inFlight++;`,
    why: "a slice says that it was cheaper than it was, and goes beyond its limit in the end",
  },
  {
    name: "a-slice-uses-its-reserve",
    file: "src/edge/slice_settings.ts",
    find: `): Pick<SliceSettings, "budgetMs" | "closeAfterMs" | "abandonAfterMs" | "endAfterMs"> {
  const endAfterMs = budgetMs - reserveMs;`,
    replace: `): Pick<SliceSettings, "budgetMs" | "closeAfterMs" | "abandonAfterMs" | "endAfterMs"> {
  const endAfterMs = budgetMs;`,
    why: "a platform ends the call before the slice has said how it went",
  },
  {
    name: "leases-are-given-up-with-each-slice",
    file: "src/edge/slice_team.ts",
    find: `if (atEnd === "hold") return;`,
    replace: ``,
    why: "each tick takes all leases anew, and workers take them from one another",
  },
  {
    name: "a-slice-sends-after-its-end",
    file: "src/edge/requests.ts",
    find: `if (this.#phase === "over") throw new Error("Cannot send request: the slice is over");`,
    replace: ``,
    why: "a processor that hung goes on in the midst of the next slice, and uses up its requests",
  },
  {
    name: "a-slice-throws",
    file: "src/edge/slice.ts",
    find: `if (!this.#closing.signal.aborted) this.#stop("leases", error);`,
    replace: `throw error;`,
    why: "a platform repeats a call that throws, at once and whole, while the table is throttled",
  },
  {
    name: "sightings-do-not-outlive-a-slice",
    file: "src/edge/slice_memory.ts",
    find: `return { ...newWatch(now.monotonicMs), sightings: new Map(sightings) };`,
    replace: `return { ...newWatch(now.monotonicMs), sightings: new Map(sightings.slice(0, 0)) };`,
    why: "the leases of a worker that has died are never taken, since no slice lives as long as a lease",
  },
  {
    name: "a-key-in-two-calls",
    file: "src/failures/lanes.ts",
    find: `for (const lane of touched) this.#occupy(lane);`,
    replace: `touched.clear();`,
    why: "records of a key are processed side by side",
  },
  {
    name: "a-checkpoint-passes-what-runs",
    file: "src/failures/ledger.ts",
    find: `if (line === undefined || !line.isFinished) break;`,
    replace: `if (line === undefined) break;`,
    why: "a crash loses the records that were in other calls",
  },
  {
    name: "a-letter-counts-before-it-is-stored",
    file: "src/failures/policy_delivery.ts",
    find: `    if (!isGivenUp) return;
`,
    replace: ``,
    why: "records are neither processed nor kept when a worker stops while a sink is down",
  },
  {
    name: "what-is-finished-ahead-comes-again",
    file: "src/failures/intake.ts",
    find: `if (ahead.wasFinished(record) || attempts.wasGivenUp(record)) {`,
    replace: `if (attempts.wasGivenUp(record)) {`,
    why: "a crash repeats everything behind the slowest record",
  },
  {
    name: "the-map-does-not-count-what-is-filtered",
    file: "src/failures/ledger.ts",
    find: `        filtered += line.count;
        continue;`,
    replace: `        continue;`,
    why: "the next owner skips records that nobody has processed",
  },
  {
    name: "a-parked-key-goes-on",
    file: "src/failures/runs.ts",
    find: `    run.keys = run.keys.filter((key) => !keys.has(key));
`,
    replace: ``,
    why: "later records of a key overtake the one that failed",
  },
  {
    name: "parked-records-lose-those-behind-them",
    file: "src/failures/runs.ts",
    find: `      this.#lanes.park(key, later);`,
    replace: `      this.#lanes.park(key, []);`,
    why: "later records of the same batch are never processed, and their shard stands",
  },
  {
    name: "a-full-park-takes-more",
    file: "src/failures/policy_delivery.ts",
    find: `this.#ledger.hasRoom && !this.#runs.isParkFull`,
    replace: `this.#ledger.hasRoom`,
    why: "what waits for keys that are down fills the memory of the worker",
  },
  {
    name: "a-partial-answer-finishes-the-failed-one",
    file: "src/failures/policy_delivery.ts",
    find: `    this.#finish(items.slice(0, done), true);`,
    replace: `    this.#finish(items.slice(0, done + 1), true);`,
    why: "the record that a handler names as failed is passed by the checkpoint",
  },
  {
    name: "a-drained-worker-gets-leases",
    file: "src/lease/draining.ts",
    find: `return { candidates, draining:`,
    replace: `return { candidates: live, draining:`,
    why: "a worker that an operator drains is given leases again and again, and never becomes empty",
  },
  {
    name: "a-drained-worker-keeps-its-leases",
    file: "src/lease/draining.ts",
    find: `for (const lease of worker.movable.slice(0, Math.max(0, DRAINED_AT_ONCE - underWay))) {`,
    replace: `for (const lease of worker.movable.slice(0, Math.max(0, -underWay))) {`,
    why: "a worker that an operator drains keeps what it has",
  },
];

/**
 * Deliberate bugs that the simulation cannot see, each with the test file that must find it: they do no harm to a record
 * there, need an answer that its service never gives, or only cost requests and time.
 *
 * @module
 */

import type { Mutant } from "./mutant_list.ts";

/** A mutant that a test file finds. */
export interface UnitMutant extends Mutant {
  readonly test: string;
}

/** See the module. */
export const UNIT_MUTANTS: readonly UnitMutant[] = [
  {
    name: "empty-listing-means-that-the-shard-is-gone",
    file: "src/worker/lease_cleaner.ts",
    find: `if (shards.length === 0) return undefined;`,
    replace: ``,
    why: "a listing that says nothing costs a lease, and with it the checkpoint",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "throttling-means-that-the-shard-is-gone",
    file: "src/worker/lease_cleaner.ts",
    find: `if (isAwsError(error, "ResourceNotFoundException")) return "shardGone";`,
    replace: `if (/NotFound|LimitExceeded/.test(String(error))) return "shardGone";`,
    why: "leases are deleted because a service is busy",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "parents-are-not-looked-at",
    file: "src/worker/lease_cleaner.ts",
    find: `new Set([...lease.parentShardIds, ...lease.childShardIds, ...toldChildren])`,
    replace: `new Set([...lease.childShardIds, ...toldChildren])`,
    why: "a lease goes before those of its parents, whose children then seem to have no lease yet",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "never-asks-whether-the-shard-exists",
    file: "src/worker/lease_cleaner.ts",
    find: `return nowMs - askedMs >= garbageIntervalMs;`,
    replace: `return false;`,
    why: "the lease of a shard that is gone waits for ever for children that nobody can make",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "retired-after-the-deletion",
    file: "src/worker/lease_cleaner.ts",
    find: `    hold.retire();
    await leaseStore.delete(leaseKey, signal);
`,
    replace: `    await leaseStore.delete(leaseKey, signal);
    hold.retire();
`,
    why: "a renewal meets the absence of the item, and a finished shard is reported as a lost lease",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "one-stream's-failure-ends-the-cleaning",
    file: "src/worker/lease_cleaner.ts",
    find: `failures.set(streamIdentifier, error);`,
    replace: `throw error;`,
    why: "one stream that cannot be listed keeps the finished leases of all others",
    test: "tests/worker/lease_cleaner_test.ts",
  },
  {
    name: "syncer-of-an-old-configuration",
    file: "src/worker/streams_syncer.ts",
    find: `if (tracked.get(key) !== stream) this.#members.delete(key);`,
    replace: `if (!tracked.has(key)) this.#members.delete(key);`,
    why: "a stream that is configured anew gets leases by its old configuration",
    test: "tests/worker/streams_syncer_test.ts",
  },
  {
    name: "late-answer-replaces-newer-credentials",
    file: "src/aws/cached_credentials.ts",
    find: `    if (abandoned.aborted) return credentials;
`,
    replace: ``,
    why: "credentials that a slow source gave to nobody take the place of newer ones",
    test: "tests/aws/cached_credentials_test.ts",
  },
  {
    name: "pass-on-what-a-hung-consumer-holds",
    file: "src/worker/lease_keeper.ts",
    find: `if (lease === undefined || !mayStart(lease, workerId) || this.#holds.has(leaseKey)) continue;`,
    replace: `if (lease === undefined || !mayStart(lease, workerId)) continue;`,
    why: "two workers process a shard while one of them is still inside a callback",
    test: "tests/worker/lease_keeper_test.ts",
  },
  {
    name: "unsure-since-the-last-write",
    file: "src/worker/lease_hold.ts",
    find: `this.#unsureSinceMs ??= startedMs;`,
    replace: `this.#unsureSinceMs = startedMs;`,
    why: "after two lost answers the owner believes in its lease longer than those who watch it",
    test: "tests/worker/lease_hold_test.ts",
  },
  {
    name: "found-streams-are-never-forgotten",
    file: "src/worker/streams.ts",
    find: `    for (const key of this.#found.keys()) if (!keys.has(key)) this.#found.delete(key);
`,
    replace: ``,
    why: "a stream that was created anew while it was not listed is read under its namesake's checkpoints",
    test: "tests/worker/streams_test.ts",
  },
  {
    name: "bell-rings-for-those-who-left",
    file: "src/worker/bell.ts",
    find: `    this.#waiting.delete(wake);
    return`,
    replace: `    return`,
    why: "a loop sleeps through the event that should have woken it",
    test: "tests/worker/bell_test.ts",
  },
  {
    name: "child-that-has-a-lease-ends-the-creation",
    file: "src/worker/child_leases.ts",
    find: `if (!await leaseStore.create(lease, signal)) continue;`,
    replace: `if (!await leaseStore.create(lease, signal)) return true;`,
    why: "two owners at the end of one shard leave a child without a lease",
    test: "tests/worker/child_leases_test.ts",
  },
  {
    name: "failed-pass-counts-as-one-that-worked",
    file: "src/worker/fleet_member.ts",
    find: `          lock.passEnded(false);
`,
    replace: `          lock.passEnded(true);
`,
    why: "a leader that cannot list the table keeps the lock, and nobody assigns",
    test: "tests/worker/fleet_member_test.ts",
  },
  {
    name: "everybody-lists-the-table",
    file: "src/worker/fleet_member.ts",
    find: `if (isLeaderGone() && this.#isDeputy) await leader.watch(signal);`,
    replace: `await leader.watch(signal);`,
    why: "a hundred workers scan the lease table every pass",
    test: "tests/worker/fleet_member_test.ts",
  },
  {
    name: "assignments-are-not-remembered",
    file: "src/worker/leader_duties.ts",
    find: `const begun = new Map([...beginnings, ...observeBeginnings(beginnings, assigned)]);`,
    replace: `const begun = beginnings;`,
    why: "a lease that was just given is asked back before its owner knows of it",
    test: "tests/worker/leader_duties_passes_test.ts",
  },
  {
    name: "new-leases-wait-for-the-next-pass",
    file: "src/worker/leader_duties.ts",
    find: `      listing = await this.watch(signal);
    }`,
    replace: `    }`,
    why: "what the syncer has created is given to nobody for a pass",
    test: "tests/worker/leader_duties_passes_test.ts",
  },
  {
    name: "lock-counts-from-the-answer",
    file: "src/worker/leader_lock.ts",
    find: `          this.#held = { lock, provenAtMs: nowMs };`,
    replace: `          this.#held = { lock, provenAtMs: system.clock.monotonicMs() };`,
    why: "after a slow heartbeat two workers lead",
    test: "tests/worker/leader_lock_test.ts",
  },
  {
    name: "refused-heartbeat-is-ignored",
    file: "src/worker/leader_lock.ts",
    find: `          this.#stop("another worker holds the lock");
`,
    replace: ``,
    why: "a worker goes on leading beside the one that took the lock",
    test: "tests/worker/leader_lock_test.ts",
  },
  {
    name: "failures-of-the-last-term-count",
    file: "src/worker/leader_lock.ts",
    find: `    this.#failedPasses = 0;
    this.#lastPassMs = provenAtMs;`,
    replace: `    this.#lastPassMs = provenAtMs;`,
    why: "a leader that gave the lock back gives it back at once for ever",
    test: "tests/worker/leader_lock_test.ts",
  },
  {
    name: "start-counts-from-the-answer",
    file: "src/worker/lease_keeper.ts",
    find: `new LeaseHold(outcome.lease, startedMs, this.#options)`,
    replace: `new LeaseHold(outcome.lease, clock.monotonicMs(), this.#options)`,
    why: "after a slow first renewal the owner believes in its lease longer than others",
    test: "tests/worker/lease_keeper_races_test.ts",
  },
  {
    name: "handoff-judged-by-a-slow-read",
    file: "src/worker/lease_keeper.ts",
    find: `    const askedMs = clock.monotonicMs();
    const lease = await store.get(leaseKey, signal);`,
    replace: `    const lease = await store.get(leaseKey, signal);
    const askedMs = clock.monotonicMs();`,
    why: "the next owner ends a handoff whose present owner has renewed meanwhile",
    test: "tests/worker/lease_keeper_races_test.ts",
  },
  {
    name: "failed-start-is-silent",
    file: "src/worker/lease_keeper.ts",
    find: `    if (failed !== undefined) throw failed.reason;
`,
    replace: ``,
    why: "a lease that cannot be read stays unread, and no pass fails",
    test: "tests/worker/lease_keeper_races_test.ts",
  },
  {
    name: "metrics-item-left-in-the-old-table",
    file: "src/worker/metrics_reporter.ts",
    find: `if (format.place !== this.#format.place) this.#leftBehind = this.#written;`,
    replace: ``,
    why: "a worker that moved is counted twice",
    test: "tests/worker/metrics_reporter_test.ts",
  },
  {
    name: "invalid-date-is-a-position",
    file: "src/worker/option_checks.ts",
    find: `const isDate = value instanceof Date && !Number.isNaN(value.getTime());`,
    replace: `const isDate = value instanceof Date;`,
    why: "a shard is read from a time that is none",
    test: "tests/worker/option_checks_test.ts",
  },
  {
    name: "table-read-with-the-stream's-credentials",
    file: "src/worker/parts.ts",
    find: `credentialsOf(options.dynamoDBCredentials ?? options.credentials)`,
    replace: `credentialsOf(options.credentials)`,
    why: "leases in another account cannot be reached",
    test: "tests/worker/parts_test.ts",
  },
  {
    name: "table-call-outlasts-the-lease",
    file: "src/worker/parts.ts",
    find: `Math.max(500, settings.failoverTimeMs / 4)`,
    replace: `Math.min(500, settings.failoverTimeMs / 4)`,
    why: "one renewal that hangs costs the lease",
    test: "tests/worker/parts_test.ts",
  },
  {
    name: "zero-means-the-default",
    file: "src/worker/settings.ts",
    find: `options.maxBufferedBytes ?? 268_435_456`,
    replace: `options.maxBufferedBytes || 268_435_456`,
    why: "reading ahead cannot be switched off",
    test: "tests/worker/settings_test.ts",
  },
  {
    name: "a-consumer-for-each-shard",
    file: "src/worker/shard_reading.ts",
    find: `if (retrieval === undefined) made.set(stream, retrieval = make(stream));`,
    replace: `if (retrieval === undefined) retrieval = make(stream);`,
    why: "each shard registers the fan-out consumer, and has a budget of its own",
    test: "tests/worker/shard_reading_test.ts",
  },
  {
    name: "hole-is-seen-for-the-first-time-each-time",
    file: "src/worker/shard_syncer.ts",
    find: `    this.#hole = audit.sighting;
`,
    replace: ``,
    why: "a shard without a lease is never read",
    test: "tests/worker/shard_syncer_test.ts",
  },
  {
    name: "missing-stream-ends-the-worker",
    file: "src/worker/start_up.ts",
    find: `error.code !== "ResourceNotFoundException" &&
    error.code`,
    replace: `error.code`,
    why: "a worker that starts beside its stream's creation exits",
    test: "tests/worker/start_up_test.ts",
  },
  {
    name: "given-ARN-is-replaced",
    file: "src/worker/streams.ts",
    find: `streamArn: stream.streamArn ?? found.streamArn`,
    replace: `streamArn: found.streamArn`,
    why: "a stream of another account is read under the ARN that an emulator answers",
    test: "tests/worker/streams_test.ts",
  },
  {
    name: "failure-keeps-its-place",
    file: "src/worker/task_group.ts",
    find: `    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }`,
    replace: `    const result = await work();
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
    return result;`,
    why: "twenty failed renewals later nothing is renewed any more",
    test: "tests/worker/task_group_test.ts",
  },
  {
    name: "bytes-count-twice",
    file: "src/worker/throughput.ts",
    find: `    this.#bytes = 0;
    this.#sinceMs`,
    replace: `    this.#sinceMs`,
    why: "the leader takes a quiet shard for a busy one",
    test: "tests/worker/throughput_test.ts",
  },
  {
    name: "end-of-a-parent-is-not-heard",
    file: "src/worker/worker.ts",
    find: `      parents.ring();
`,
    replace: ``,
    why: "children begin a poll interval late",
    test: "tests/worker/worker_test.ts",
  },
  {
    name: "metrics-item-stays-behind",
    file: "src/worker/worker.ts",
    find: `    await this.#tryFarewell((limited) => team.member.withdraw(limited));
`,
    replace: ``,
    why: "leases go to a worker that is stopping",
    test: "tests/worker/worker_test.ts",
  },
  {
    name: "undefined-is-no-failure",
    file: "src/consumer/callbacks.ts",
    find: `return ok ? { ok, ms } : { ok, ms, error };`,
    replace: `return error === undefined ? { ok: true, ms } : { ok: false, ms, error };`,
    why: "a processor that throws undefined loses its batch in silence",
    test: "tests/consumer/delivery_test.ts",
  },
  {
    name: "checkpoints-overtake-one-another",
    file: "src/consumer/checkpointer.ts",
    find: `const turn = this.#queue.then(() => this.#store(at));`,
    replace: `const turn = this.#store(at);`,
    why: "a checkpoint that was asked for earlier is stored later",
    test: "tests/consumer/checkpointer_test.ts",
  },
  {
    name: "largest-delivered-goes-back",
    file: "src/consumer/checkpointer.ts",
    find: `if (compare(at, this.#largest) > 0) this.#largest = at;`,
    replace: `this.#largest = at;`,
    why: "a record that was delivered cannot be checkpointed",
    test: "tests/consumer/checkpointer_test.ts",
  },
  {
    name: "drain-looks-like-loss",
    file: "src/consumer/shard_consumer.ts",
    find: `      signal: this.#held.lost,
`,
    replace: `      signal: this.#leave,
`,
    why: "a processor stops its work in a stop that gave it time",
    test: "tests/consumer/delivery_test.ts",
  },
  {
    name: "zombie-checkpoints",
    file: "src/consumer/v1_processor.ts",
    find: `processor.shutdown(refusing(context), "ZOMBIE")`,
    replace: `processor.shutdown(checkpointerOf(context), "ZOMBIE")`,
    why: "a v1 processor that lost its lease moves the checkpoint of the next owner",
    test: "tests/consumer/v1_processor_test.ts",
  },
  {
    name: "failed-look-means-no-parents",
    file: "src/consumer/parents.ts",
    find: `      await pause(clock, taskBackoffTimeMs, leave);
    }`,
    replace: `      return true;
    }`,
    why: "a table that throttles lets children overtake their parents",
    test: "tests/consumer/delivery_test.ts",
  },
  {
    name: "one-of-those-who-wait-is-woken",
    file: "src/retrieval/byte_budget.ts",
    find: `for (const wake of waiting) wake();`,
    replace: `waiting[0]?.();`,
    why: "a shard with room in the budget reads nothing ahead",
    test: "tests/retrieval/byte_budget_test.ts",
  },
  {
    name: "read-failures-are-never-forgotten",
    file: "src/retrieval/polling.ts",
    find: `      streak.failures = streak.repairs = 0;
`,
    replace: ``,
    why: "one throttled read an hour ends in pauses of half a minute",
    test: "tests/retrieval/polling_test.ts",
  },
  {
    name: "expired-place-at-the-tip-is-kept",
    file: "src/retrieval/iterator_opening.ts",
    find: `this.#sign = this.#tip = undefined;`,
    replace: `this.#sign = undefined;`,
    why: "a quiet shard asks with the same expired iterator for ever",
    test: "tests/retrieval/polling_test.ts",
  },
  {
    name: "refusal-means-that-the-stream-is-gone",
    file: "src/retrieval/shard_end.ts",
    find: `if (isAwsError(error, "ResourceNotFoundException")) return undefined;`,
    replace: `return undefined;`,
    why: "a right that is missing for a minute ends all shards",
    test: "tests/retrieval/shard_end_test.ts",
  },
  {
    name: "each-page-is-checked-for-trimming",
    file: "src/retrieval/start_position.ts",
    find: `    this.#isUnchecked = false;
    if (first.sequenceNumber`,
    replace: `    if (first.sequenceNumber`,
    why: "every page after the first is reported as lost",
    test: "tests/retrieval/start_position_test.ts",
  },
  {
    name: "forgets-the-newer-consumer",
    file: "src/retrieval/fan_out_registration.ts",
    find: `if (this.#known === consumerArn) this.#known = this.#options.consumerArn;`,
    replace: `this.#known = this.#options.consumerArn;`,
    why: "a late refusal makes all shards look for their consumer again",
    test: "tests/retrieval/fan_out_registration_test.ts",
  },
  {
    name: "repair-takes-an-attempt",
    file: "src/aws/json_call.ts",
    find: `attempt: attempt - repaired.size,`,
    replace: `attempt,`,
    why: "a call that was signed anew fails at the first fault",
    test: "tests/aws/json_call_test.ts",
  },
  {
    name: "signs-again-for-ever",
    file: "src/aws/sts.ts",
    find: `      resigned = true;
`,
    replace: ``,
    why: "a wrong secret asks STS without end",
    test: "tests/aws/credentials_sources_test.ts",
  },
  {
    name: "metadata-token-past-its-end",
    file: "src/aws/instance_metadata.ts",
    find: `const TOKEN_USE_MS = (TOKEN_TTL_S - 60) * 1000;`,
    replace: `const TOKEN_USE_MS = (TOKEN_TTL_S + 60) * 1000;`,
    why: "each refresh begins with a refusal",
    test: "tests/aws/credentials_sources_test.ts",
  },
  {
    name: "chain-drops-the-signal",
    file: "src/aws/credentials_chain.ts",
    find: `await link.provider(signal);`,
    replace: `await link.provider();`,
    why: "a stop waits for the metadata service",
    test: "tests/aws/credentials_chain_test.ts",
  },
  {
    name: "profile-refreshed-like-an-instance",
    file: "src/aws/credentials_profile.ts",
    find: `rule: "role",`,
    replace: `rule: "instance",`,
    why: "credentials of a profile are used past their end",
    test: "tests/aws/credentials_profile_test.ts",
  },
  {
    name: "prototype-from-the-wire",
    file: "src/aws/cbor.ts",
    find: `if (key !== "__proto__") map[key] = value;`,
    replace: `map[key] = value;`,
    why: "an answer puts members into an object that has none",
    test: "tests/aws/cbor_test.ts",
  },
  {
    name: "write-without-a-signal",
    file: "src/aws/dynamodb.ts",
    find: `write("PutItem", { TableName: tableName, Item: item, ...expressions }, signal)`,
    replace: `write("PutItem", { TableName: tableName, Item: item, ...expressions })`,
    why: "a stop waits for a table that hangs",
    test: "tests/aws/dynamodb_test.ts",
  },
  {
    name: "torn-stream-ends-in-order",
    file: "src/aws/event_stream.ts",
    find: `if (decoder.heldBytes > 0) {`,
    replace: `if (decoder.heldBytes > PRELUDE_BYTES) {`,
    why: "a connection that was cut within a prelude counts as complete",
    test: "tests/aws/event_stream_test.ts",
  },
  {
    name: "secret-hidden-once",
    file: "src/aws/hidden_secrets.ts",
    find: `shown.replaceAll(secret`,
    replace: `shown.replace(secret`,
    why: "a service that repeats a token twice puts it into the log",
    test: "tests/aws/hidden_secrets_test.ts",
  },
  {
    name: "clock-corrected-the-wrong-way",
    file: "src/aws/request_signer.ts",
    find: `this.#clock.epochMs() + this.#offsetMs`,
    replace: `this.#clock.epochMs() - this.#offsetMs`,
    why: "a wrong clock gets twice as wrong",
    test: "tests/aws/request_signer_test.ts",
  },
  {
    name: "abort-looks-like-a-network-failure",
    file: "src/aws/time_limit.ts",
    find: `throw ended.signal.aborted ? ended.signal.reason : error;`,
    replace: `throw error;`,
    why: "a time limit that is over is reported as something else",
    test: "tests/aws/time_limit_test.ts",
  },
  {
    name: "token-of-two-lines",
    file: "src/aws/token_file.ts",
    find:
      `  if (/[\\r\\n]/.test(token)) throw new CredentialsError(\`the token file \${path} has more than one line\`);
`,
    replace: ``,
    why: "a header is split by what a file holds",
    test: "tests/aws/credentials_sources_test.ts",
  },
  {
    name: "leader-trusts-its-last-term",
    file: "src/lease/table_watch.ts",
    find: `return nowMs - lastMs > 2 * rule.passIntervalMs + rule.failoverTimeMs;`,
    replace: `return nowMs - lastMs > 1e9 * rule.passIntervalMs;`,
    why: "a worker that leads again ends a handoff that has just begun, for it saw one like it minutes ago",
    test: "tests/worker/leader_duties_test.ts",
  },
  {
    name: "silence-is-forgotten",
    file: "src/lease/silence.ts",
    find: `const known = before?.lastUpdateEpochS === lastUpdateEpochS ? before : undefined;`,
    replace: `const known = before?.lastUpdateEpochS === -1 ? before : undefined;`,
    why: "a killed worker whose leases were given away is given others",
    test: "tests/worker/leader_duties_test.ts",
  },
  {
    name: "slow-beginners-lose-their-items",
    file: "src/lease/silence.ts",
    find: `(isSilent && silence.hadBegun)`,
    replace: `isSilent`,
    why: "a worker of KCL that is slow to find its first lease is given no other for half a minute",
    test: "tests/worker/leader_duties_test.ts",
  },
  {
    name: "fresh-items-only-are-deleted",
    file: "src/lease/silence.ts",
    find: `const isSilent = silence !== undefined && ageOf(item) * 1000 > failoverTimeMs / 2;`,
    replace:
      `const isSilent = silence !== undefined && ageOf(item) * 1000 > failoverTimeMs / 2 && ageOf(item) <= 60;`,
    why: "the item of a killed worker that was a minute old when its leases expired stays for another minute",
    test: "tests/worker/leader_duties_test.ts",
  },
  {
    name: "long-pass-breaks-the-watch",
    file: "src/worker/leader_duties.ts",
    find: `if (isLeading()) this.#watch = { ...this.#watch, lastMs: nowMs };`,
    replace: ``,
    why: "a leader whose passes are long never finds an expired lease",
    test: "tests/worker/leader_duties_test.ts",
  },
  {
    name: "hole-of-another-term-counts",
    file: "src/worker/shard_syncer.ts",
    find: `if (this.#askedMs < (leading.watchedSinceMs ?? -Infinity)) this.#hole = undefined;`,
    replace: ``,
    why: "a hole that another leader has mended is acted on when one like it is seen once",
    test: "tests/worker/shard_syncer_test.ts",
  },
  {
    name: "former-stream-of-another-term-counts",
    file: "src/worker/streams_syncer.ts",
    find: `if (this.#askedMs < (leading.watchedSinceMs ?? -Infinity)) this.#formerSince = new Map();`,
    replace: ``,
    why: "the leases of a stream that left the list a moment ago are deleted, for it had left it once before",
    test: "tests/worker/streams_syncer_test.ts",
  },
  {
    name: "owners-that-report-nothing-are-not-seen",
    file: "src/lease/assignment.ts",
    find: `const strangers = [...renewing].filter((workerId) => !live.has(workerId)).toSorted();`,
    replace: `const strangers = [...renewing].slice(0, 0);`,
    why: "a worker that joins beside another program on the same table gets nothing",
    test: "tests/worker/spread_test.ts",
  },
  {
    name: "owners-that-report-nothing-are-given-leases",
    file: "src/lease/assignment_by_count.ts",
    find: `mayTake: (worker) => !strangers.has(worker) && hasRoom(worker),`,
    replace: `mayTake: hasRoom,`,
    why: "a lease goes to a program that does not look for it, and nobody reads the shard until it expires",
    test: "tests/lease/assignment_test.ts",
  },
  {
    name: "owners-that-report-nothing-are-drained",
    file: "src/lease/assignment_by_load.ts",
    find: `strangers.has(worker) && worker.unfinished > average,`,
    replace: `strangers.has(worker),`,
    why: "the load is evened out against workers whose load nobody knows, until they have next to nothing",
    test: "tests/lease/assignment_test.ts",
  },
  {
    name: "fair-share-of-what-others-read",
    file: "src/lease/load_scale.ts",
    find: `const shared = leases.filter((lease) => !strangers.has(lease.leaseOwner));`,
    replace: `const shared = leases.filter(() => strangers.size >= 0);`,
    why:
      "beside a program that reads much every worker counts as idle, and load is not evened out among them",
    test: "tests/lease/assignment_test.ts",
  },
  {
    name: "a-listener-that-throws-silences-the-others",
    file: "src/observe/listeners.ts",
    find: `        onFailure(error);
      }
    }`,
    replace: `        onFailure(error);
        return;
      }
    }`,
    why: "on a full disk the totals hear of no renewal, and health says that leases are lost",
    test: "tests/observe/listeners_test.ts",
  },
  {
    name: "a-signal-is-only-reported",
    file: "src/host/signals.ts",
    find: `      stop.abort(new Error(\`Stopped by \${name}\`));
`,
    replace: ``,
    why: "SIGTERM is printed, and nothing is handed over",
    test: "tests/host/signals_test.ts",
  },
  {
    name: "a-fault-is-reported-at-every-look",
    file: "src/observe/fault_watch.ts",
    find: `if (!before.has(key)) begun.push(`,
    replace: `begun.push(`,
    why: "a log that says the same every second is not read",
    test: "tests/observe/fault_watch_test.ts",
  },
  {
    name: "errors-of-events-are-empty-in-json",
    file: "src/observe/error_json.ts",
    find: `return error === event.error ? event : { ...event, error };`,
    replace: `return error === event.error ? event : { ...event };`,
    why: "what was thrown and is no error is lost to listeners that write JSON",
    test: "tests/observe/error_json_test.ts",
  },
  {
    name: "a-sleep-is-one-timer",
    file: "src/system.ts",
    find: `const sliceMs = Math.min(restMs, LONGEST_TIMER_MS);`,
    replace: `const sliceMs = restMs;`,
    why: "a wait of a month is over after 1 ms",
    test: "tests/system_test.ts",
  },
];

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
];

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import nodeTest from "node:test";
import type { LeaseStore, WriteOutcome } from "../../../src/lease/lease_store.ts";
import { leaseStoreContract, memoryStores, type RegisterTest } from "../../../src/testing/mod.ts";
import { FIXTURES } from "../../store/fixtures.ts";

/** Every store of ours keeps the contract. */
for (const [kind, openFixture] of FIXTURES) {
  const closers = new Map<LeaseStore, () => PromiseLike<void>>();
  leaseStoreContract({
    test: (name, run) => Deno.test(`${kind} keeps leaseStoreContract(): ${name}`, run),
    open: async () => {
      const fixture = await openFixture();
      closers.set(fixture.leases, () => fixture[Symbol.asyncDispose]());
      return fixture.leases;
    },
    close: async (store) => {
      await closers.get(store)?.();
    },
  });
}

/** The names of the tests that a store fails, each with its error. */
async function failures(open: () => LeaseStore): Promise<ReadonlyMap<string, string>> {
  const tests: (readonly [string, () => Promise<void>])[] = [];
  leaseStoreContract({ test: (name, run) => tests.push([name, run]), open });
  assert(tests.length > 10);
  const failed = new Map<string, string>();
  for (const [name, run] of tests) {
    try {
      await run();
    } catch (error) {
      failed.set(name, String(error));
    }
  }
  return failed;
}

/** A store in memory with some methods of another. */
function storeWith(change: (store: LeaseStore) => Partial<LeaseStore>): LeaseStore {
  const store = memoryStores().leaseStore;
  const changes = change(store);
  return new Proxy(store, {
    get(target, name: keyof LeaseStore) {
      const method = changes[name] ?? target[name];
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** Wrong stores, each with a test that must find it. */
const WRONG:
  readonly (readonly [what: string, finds: string, change: (store: LeaseStore) => Partial<LeaseStore>])[] = [
    ["creates its table again and again", "ensureTable() creates the table once", (store) => ({
      ensureTable: async (signal) => {
        await store.ensureTable(signal);
        return { created: true };
      },
    })],
    ["overwrites a lease", "create() writes unless the key is taken", (store) => ({
      create: async (lease, signal) => {
        await store.delete(lease.leaseKey, signal);
        return await store.create(lease, signal);
      },
    })],
    ["ignores signals", "methods reject with the reason of an aborted signal and write nothing", (store) => ({
      get: (leaseKey) => store.get(leaseKey),
    })],
    [
      "ignores the counter",
      "apply() refuses writes at a counter that has moved, and returns what it found",
      (store) => ({
        apply: (write, signal) => {
          const { leaseCounter: _, ...when } = write.when;
          return store.apply({ ...write, when: { ...when, exists: true } }, signal);
        },
      }),
    ],
    [
      "ignores the owners",
      "apply() refuses writes when the owners are not those that were read",
      (store) => ({
        apply: (write, signal) => {
          const { leaseOwner: _, checkpointOwner: __, ...when } = write.when;
          return store.apply({ ...write, when: { ...when, exists: true } }, signal);
        },
      }),
    ],
    [
      "does not say what it found",
      "apply() refuses writes at a counter that has moved, and returns what it found",
      (
        store,
      ) => ({
        apply: async (write, signal): Promise<WriteOutcome> => {
          const outcome = await store.apply(write, signal);
          return outcome.applied ? outcome : { applied: false, found: undefined };
        },
      }),
    ],
    [
      "returns the lease as it was",
      "apply() returns the lease as it is now, for each kind of write",
      (store) => ({
        apply: async (write, signal): Promise<WriteOutcome> => {
          const before = await store.get(write.leaseKey);
          const outcome = await store.apply(write, signal);
          return outcome.applied && before !== undefined ? { applied: true, lease: before } : outcome;
        },
      }),
    ],
    ["deletes nothing", "delete() removes one lease, and accepts a missing one", () => ({
      delete: () => Promise.resolve(),
    })],
    [
      "finds no owner",
      "leaseKeysOwnedBy() returns the keys of one worker, also during a handoff to it",
      () => ({ leaseKeysOwnedBy: () => Promise.resolve([]) }),
    ],
  ];

for (const [what, finds, change] of WRONG) {
  Deno.test(`leaseStoreContract() finds a store that ${what}`, async () => {
    const failed = await failures(() => storeWith(change));
    assertStringIncludes([...failed.keys()].join("\n"), finds);
    assertStringIncludes(failed.get(finds) ?? "", "Cannot accept");
  });
}

Deno.test("leaseStoreContract() accepts the store in memory, and closes each store that it opened", async () => {
  assertEquals(await failures(() => memoryStores().leaseStore), new Map());
  let open = 0;
  const tests: (() => Promise<void>)[] = [];
  leaseStoreContract({
    test: (_, run) => tests.push(run),
    open: () => {
      open++;
      return storeWith(() => ({ list: () => Promise.reject(new Error("no list")) }));
    },
    close: () => void open--,
  });
  for (const test of tests) await test().catch(() => {});
  assertEquals(open, 0);
});

Deno.test("RegisterTest takes what frameworks have for a test", () => {
  const accepted: readonly RegisterTest[] = [nodeTest, (name, run) => Deno.test(name, run)];
  assertEquals(accepted.map((test) => typeof test), ["function", "function"]);
});

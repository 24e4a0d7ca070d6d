/**
 * What a sink must do on a real database, by any client: the same tests for each.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import type { RecordProcessor, RecordsBatch, ShardContext } from "../../../src/consumer/record_processor.ts";
import { LeaseLostError, StoreMovedError, StoreUnavailableError } from "../../../src/errors.ts";
import { type SqlClient, type SqlDialect, sqlSink, type SqlWork } from "../../../src/sql/mod.ts";
import { type ExtendedSequenceNumber, positionAt } from "../../../src/stream/sequence_number.ts";
import { recordWith } from "../../support/consumer_bed.ts";

/** A database with one client, open. */
export interface OpenDatabase<Tx> extends AsyncDisposable {
  readonly client: SqlClient<Tx>;
  readonly dialect: SqlDialect;
  /** Runs a statement of the user's within a transaction. */
  readonly run: (tx: Tx, text: string) => Promise<unknown>;
  /** The first column of a query, outside of transactions. */
  readonly column: (text: string) => Promise<readonly string[]>;
  /** Ends the connection that the transaction runs on, from another one. */
  readonly cut: (tx: Tx) => Promise<void>;
}

/** One shard of a test: each has a lease of its own. */
interface Shard {
  readonly leaseKey: string;
  readonly results: () => Promise<readonly string[]>;
}

/**
 * @param open Opens the database; called once.
 * @param traits Whether several transactions run side by side, and whether the client lives on when a
 * connection is cut. `postgres` 3.4.9 throws an error of its own at times that nobody can catch.
 */
export function testSink<Tx>(
  name: string,
  open: () => Promise<OpenDatabase<Tx>>,
  { isServer, canCut }: { readonly isServer: boolean; readonly canCut: boolean },
): void {
  let opened: Promise<OpenDatabase<Tx>> | undefined;
  let shards = 0;
  const database = () => opened ??= open();

  async function begin(): Promise<{ db: OpenDatabase<Tx>; shard: Shard; own: Owner<Tx> }> {
    const db = await database();
    const leaseKey = `shardId-${shards++}'s`;
    if (shards === 1) {
      const sink = sinkOf(db);
      await sink.createTable();
      await sink.createTable(); // it is there
      await db.client.begin(async (tx) => {
        await db.run(tx, "CREATE TABLE results (shard VARCHAR(60) NOT NULL, record VARCHAR(60) NOT NULL)");
        await db.run(tx, "CREATE TABLE counters (name VARCHAR(60) PRIMARY KEY)");
      });
    }
    const key = leaseKey.replaceAll("'", "''");
    const shard = {
      leaseKey,
      results: () => db.column(`SELECT record FROM results WHERE shard = '${key}' ORDER BY record`),
    };
    const put = async (tx: Tx, record: string) => {
      await db.run(tx, `INSERT INTO results VALUES ('${key}', '${record}')`);
    };
    return { db, shard, own: ownerOf(db, leaseKey, put) };
  }

  const test = (what: string, work: () => Promise<void>) =>
    Deno.test({
      name: `sqlSink() on ${name} ${what}`,
      fn: work,
      sanitizeOps: false,
      sanitizeResources: false,
    });

  test("stores results and position together, up to the end of the shard", async () => {
    const { shard, own } = await begin();
    const first = await own(5);
    assertEquals(first.at, positionAt("TRIM_HORIZON"));
    await first.process(1, 2);
    await first.process(3);
    const second = await own(9);
    assertEquals(second.at, positionAt("3"));
    await second.process(4);
    await second.end();
    await second.end(); // called again when the lease could not be written
    assertEquals(await shard.results(), ["1", "2", "3", "4"]);
    assertEquals((await own(12)).at, positionAt("4"));
  });

  test("rolls back what a throwing work has written, and throws its error", async () => {
    const { shard, own, db } = await begin();
    const owner = await own(5, async (records, tx, put) => {
      for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
      if (owner.calls === 1) throw new RangeError("the user's own");
      if (owner.calls === 2) await db.run(tx, "SELECT * FROM no_such_table");
    });
    await assertRejects(() => owner.process(1, 2), RangeError, "the user's own");
    await assertRejects(() => owner.process(1, 2), Error, "no_such_table");
    await owner.process(1, 2);
    assertEquals(await shard.results(), ["1", "2"]);
  });

  test("refuses a former owner, whose writes are rolled back", async () => {
    const { shard, own } = await begin();
    const former = await own(5);
    await former.process(1);
    const next = await own(9);
    await next.process(2);
    const error = await assertRejects(() => former.process(2), StoreMovedError);
    assertEquals(
      error.message,
      `Cannot store results of shard "${shard.leaseKey}" with table "kclite_positions": expected fencing token 1: ` +
        "got 2: another owner has the shard",
    );
    await assertRejects(() => former.end(), StoreMovedError);
    await assertRejects(() => own(6, undefined, false), LeaseLostError);
    await next.process(3);
    assertEquals(await shard.results(), ["1", "2", "3"]);
  });

  test("takes a lease that was created again, once the lease table has confirmed it", async () => {
    const { shard, own } = await begin();
    await (await own(50)).process(1);
    const owner = await own(2);
    assertEquals(owner.at, positionAt("1"));
    await owner.process(2);
    assertEquals(await shard.results(), ["1", "2"]);
  });

  test("says how a position is moved, in words that the database takes", async () => {
    const { db, own } = await begin();
    const owner = await own(5);
    await owner.process(1, 2);
    const [, statement = ""] =
      /^run in the database: (UPDATE .*;) to read it from its oldest record$/.exec(owner.mend) ?? [];
    await db.client.begin(async (tx) => void await db.run(tx, statement));
    assertEquals((await own(9)).at, positionAt("TRIM_HORIZON"));
  });

  test("keeps a position within an aggregate, and sentinels", async () => {
    const { own } = await begin();
    const owner = await own(5);
    await owner.batch([recordWith("7".repeat(56), "x", 3)]);
    assertEquals((await own(6)).at, { sequenceNumber: "7".repeat(56), subSequenceNumber: 3 });
  });

  test("does not store a batch whose failed statement the work has swallowed", async () => {
    const { db, shard, own } = await begin();
    if (db.dialect === "mysql") return; // there a failed statement leaves the transaction as it was
    const owner = await own(5, async (records, tx, put) => {
      for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
      if (owner.calls === 1) await db.run(tx, "SELECT * FROM no_such_table").catch(() => {});
    });
    await assertRejects(() => owner.process(1), Error); // each client has words of its own
    await owner.process(1);
    assertEquals(await shard.results(), ["1"]);
  });

  if (isServer) {
    test("lets a former owner that sleeps in its work hold nobody up, and refuses it when it wakes", async () => {
      const { shard, own } = await begin();
      const asleep = Promise.withResolvers<void>(), awake = Promise.withResolvers<void>();
      const former = await own(5, async (records, tx, put) => {
        for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
        asleep.resolve();
        await awake.promise;
      });
      const sleeping = former.process(1, 2);
      sleeping.catch(() => {}); // looked at below
      await asleep.promise;
      const next = await own(9);
      await next.process(1);
      await next.process(2);
      awake.resolve();
      await assertRejects(() => sleeping, StoreMovedError);
      assertEquals(await shard.results(), ["1", "2"]);
    });

    test("tries a transaction again that lost in a deadlock", async () => {
      const { db, shard, own } = await begin();
      const other = await own(5);
      await db.client.begin(async (tx) => void await db.run(tx, "INSERT INTO counters VALUES ('a'), ('b')"));
      const lock = (name: string) => `SELECT name FROM counters WHERE name = '${name}' FOR UPDATE`;
      const hasA = Promise.withResolvers<void>(), hasB = Promise.withResolvers<void>();
      const crossing = db.client.begin(async (tx) => {
        await db.run(tx, lock("b"));
        hasB.resolve();
        await hasA.promise;
        await db.run(tx, lock("a"));
      });
      crossing.catch(() => {}); // one of the two loses
      const owner = await own(9, async (records, tx, put) => {
        await db.run(tx, lock("a"));
        hasA.resolve();
        await hasB.promise;
        await db.run(tx, lock("b"));
        for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
      });
      await owner.process(1);
      await crossing.catch(() => {});
      assertEquals(await shard.results(), ["1"]);
      await assertRejects(() => other.process(1), StoreMovedError);
    });
  }

  if (canCut) {
    test("waits for a database that cut the connection, and stores the batch once", async () => {
      const { db, shard, own } = await begin();
      const owner = await own(5, async (records, tx, put) => {
        for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
        if (owner.calls === 1) {
          await db.cut(tx);
          await put(tx, "never");
        }
      });
      await assertRejects(() => owner.process(1), StoreUnavailableError);
      await owner.process(1);
      assertEquals(await shard.results(), ["1"]);
    });
  }

  test("is closed", async () => await (await database())[Symbol.asyncDispose]());
}

function sinkOf<Tx>({ client, dialect }: OpenDatabase<Tx>) {
  return sqlSink(client, { table: "kclite_positions", applicationName: "it's \\ words", dialect });
}

/** An owner of the shard, from its start on. */
interface OwnerOfShard {
  /** Where it goes on. */
  readonly at: ExtendedSequenceNumber | undefined;
  /** What a person is told, if the record at that position is trimmed. */
  readonly mend: string;
  readonly calls: number;
  readonly process: (...numbers: readonly number[]) => Promise<void>;
  readonly batch: (records: RecordsBatch["records"]) => Promise<void>;
  readonly end: () => Promise<void>;
}

type Put<Tx> = (tx: Tx, record: string) => Promise<void>;
type Work<Tx> = (records: Parameters<SqlWork<Tx>>[0], tx: Tx, put: Put<Tx>) => Promise<void>;
/** @param isOurs What the lease table says. */
type Owner<Tx> = (counter: number, work?: Work<Tx>, isOurs?: boolean) => Promise<OwnerOfShard>;

function ownerOf<Tx>(db: OpenDatabase<Tx>, leaseKey: string, put: Put<Tx>): Owner<Tx> {
  const inserts: Work<Tx> = async (records, tx) => {
    for (const { sequenceNumber } of records) await put(tx, sequenceNumber);
  };
  return async (counter, work = inserts, isOurs = true) => {
    const stored: (ExtendedSequenceNumber | undefined)[] = [];
    let calls = 0;
    const context: ShardContext = {
      streamName: "words",
      streamArn: undefined,
      streamIdentifier: undefined,
      shardId: leaseKey,
      leaseKey,
      initialCheckpoint: positionAt("TRIM_HORIZON"),
      pendingCheckpoint: undefined,
      pendingCheckpointState: undefined,
      fencingToken: { leaseKey, token: counter },
      signal: new AbortController().signal,
      checkpoint: async (at) => void stored.push(at),
      prepareCheckpoint: () => Promise.reject(new Error("not asked for")),
      transact: () => Promise.reject(new Error("not asked for")),
      restart: () => {},
    };
    const factory = sinkOf(db).processor((records, tx) => {
      calls++;
      return work(records, tx, put);
    });
    const processor: RecordProcessor = factory(leaseKey, context);
    const confirm = async () => {
      if (!isOurs) throw new LeaseLostError(leaseKey, "another worker has it");
    };
    const at = await processor.startAt?.(context, confirm);
    const batch = async (records: RecordsBatch["records"]) => {
      await processor.processRecords(
        { records, millisBehindLatest: 0, isAtShardEnd: false, childShards: [] },
        context,
      );
    };
    return {
      at: at === undefined ? undefined : positionAt(at.sequenceNumber, at.subSequenceNumber),
      mend: at?.mend ?? "",
      get calls() {
        return calls;
      },
      batch,
      process: (...numbers) => batch(numbers.map((number) => recordWith(number))),
      end: async () => await processor.shardEnded(context),
    };
  };
}

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { KinesisWorker, type WorkerEvent } from "../../mod.ts";
import { StoreMovedError, StoreUnavailableError } from "../../src/errors.ts";
import { sqlSink } from "../../src/sql/mod.ts";
import { failure, SimulatedDatabase } from "../../src/testing/simulation/simulated_database.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { pass, SqlShard } from "../support/sql_bed.ts";

const ALL = ["1", "2", "3", "4", "5"];

/** The row of the shard, as it is committed. */
function rowOf({ database }: SqlShard): unknown {
  const [row] = database.positions.values();
  if (row === undefined) return undefined;
  const { fencing_token, lease_counter, sequence_number, shard_ended } = row;
  return [fencing_token, lease_counter, sequence_number, shard_ended];
}

Deno.test("sqlSink() stores results and position together, and the lease follows each commit", async () => {
  const shard = new SqlShard();
  const bed = shard.own();
  assertEquals(await pass(bed), "completed");
  assertEquals(shard.database.results, ALL);
  assertEquals(rowOf(shard), ["1", "5", "5", "TRUE"]);
  assertEquals(bed.held.stored.map(({ sequenceNumber }) => sequenceNumber), ["2", "3", "5", "SHARD_END"]);
});

Deno.test("sqlSink() rolls back what a throwing work has written; the rule of errors applies", async () => {
  for (const [onProcessError, expected] of [["skip", ["3", "4", "5"]], ["retry", ALL]] as const) {
    const shard = new SqlShard();
    let hasFailed = false;
    const bed = shard.own({
      onProcessError,
      work(records, tx) {
        for (const { sequenceNumber } of records) tx.put(sequenceNumber);
        if (!hasFailed) {
          hasFailed = true;
          throw failure("23505", "duplicate key");
        }
      },
    });
    assertEquals(await pass(bed), "completed");
    assertEquals(shard.database.results, expected);
    const [failed] = eventsOf(bed.events, "batchFailed");
    assertEquals(failed?.error instanceof Error && failed.error.message, "duplicate key");
  }
});

Deno.test("sqlSink() waits while the database is down: nothing is skipped, and the events say so", async () => {
  const shard = new SqlShard();
  let isDown = false;
  const bed = shard.own({
    onProcessError: "skip",
    step: () =>
      isDown
        ? Promise.reject(failure("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:5432"))
        : Promise.resolve(),
    work(records, tx) {
      for (const { sequenceNumber } of records) tx.put(sequenceNumber);
      if (shard.database.results.length >= 2 && bed.clock.monotonicMs() < 100_000) isDown = true;
    },
  });
  assertEquals(await pass(bed, 90_000), "running");
  assertEquals(shard.database.results, ["1", "2"]);
  assertEquals(bed.held.givenUp, 0);
  const failed = eventsOf(bed.events, "batchFailed");
  assert(failed.length > 3);
  assert(
    failed.every(({ outcome, error }) => outcome === "retrying" && error instanceof StoreUnavailableError),
  );
  assertEquals(
    failed[0]?.error instanceof Error && failed[0].error.message,
    'Cannot store results of shard "shardId-000000000000" with table "positions": the database is not usable',
  );
  await bed.clock.advance(20_000);
  isDown = false;
  assertEquals(await pass(bed), "completed");
  assertEquals(shard.database.results, ALL);
});

Deno.test("sqlSink() tries a transaction again that lost against another, and waits when it always loses", async () => {
  for (const [losses, pauses] of [[3, 0], [13, 1]] as const) {
    const shard = new SqlShard();
    let left: number = losses;
    const bed = shard.own({
      onProcessError: "skip",
      work(records, tx) {
        for (const { sequenceNumber } of records) tx.put(sequenceNumber);
        if (left-- > 0) throw failure("40001", "could not serialize access");
      },
    });
    assertEquals(await pass(bed), "completed");
    assertEquals(shard.database.results, ALL);
    assertEquals(eventsOf(bed.events, "batchFailed").length, pauses);
  }
});

Deno.test("sqlSink() leaves a failing call of the work to the policy when the database itself answers", async () => {
  const shard = new SqlShard();
  let calls = 0;
  const bed = shard.own({
    onProcessError: "skip",
    work(records, tx) {
      if (++calls === 1) throw failure("ECONNREFUSED", "a service of the user's is down");
      for (const { sequenceNumber } of records) tx.put(sequenceNumber);
    },
  });
  assertEquals(await pass(bed), "completed");
  assertEquals(shard.database.results, ["3", "4", "5"]);
  assertEquals(eventsOf(bed.events, "batchFailed")[0]?.outcome, "skipped");
});

Deno.test("sqlSink() starts where the database stands, and not where the lease does", async () => {
  for (const [lease, level] of [["1", "info"], ["4", "warning"]] as const) {
    const shard = new SqlShard();
    await pass(shard.own({ work: worksUntil(4, shard) }), 3000);
    assertEquals(shard.database.results, ["1", "2", "3"]);
    shard.checkpoint = positionAt(lease);
    const bed = shard.own();
    assertEquals(await pass(bed), "completed");
    assertEquals(shard.database.results, ALL);
    assertEquals(eventsOf(bed.events, "notice").map((notice) => notice.level), [level]);
  }
});

/** Stands still from this record on. */
function worksUntil(last: number, { database }: SqlShard) {
  return (records: readonly { readonly sequenceNumber: string }[], tx: { put(result: string): void }) => {
    if (database.results.length + records.length >= last) return new Promise<void>(() => {});
    for (const { sequenceNumber } of records) tx.put(sequenceNumber);
  };
}

Deno.test("sqlSink() begins at the lease's checkpoint where the database has no row", async () => {
  const shard = new SqlShard();
  shard.checkpoint = positionAt("3");
  assertEquals(await pass(shard.own()), "completed");
  assertEquals(shard.database.results, ["4", "5"]);
});

Deno.test("sqlSink() stores SHARD_END in the lease only when the database has committed the end", async () => {
  const shard = new SqlShard();
  let tries = 0;
  const bed = shard.own({
    more: {
      shardEnded(tx) {
        assert(bed.held.stored.every(({ sequenceNumber }) => sequenceNumber !== "SHARD_END"));
        tx.put("end");
        if (++tries === 1) throw failure("57P03", "the database system is starting up");
      },
    },
  });
  assertEquals(await pass(bed), "completed");
  assertEquals(shard.database.results, [...ALL, "end"]);
  assertEquals(bed.held.stored.at(-1)?.sequenceNumber, "SHARD_END");
});

Deno.test("sqlSink() takes a lease that was deleted and created again: its counter is smaller, and confirmed", async () => {
  const shard = new SqlShard();
  await pass(shard.own({ counter: 57, work: worksUntil(4, shard) }), 3000);
  assertEquals(rowOf(shard), ["1", "57", "3", "FALSE"]);
  assertEquals(await pass(shard.own({ counter: 2 })), "completed");
  assertEquals(rowOf(shard), ["2", "2", "5", "TRUE"]);
  assertEquals(shard.database.results, ALL);
});

Deno.test("sqlSink() starts over where the database was put back while an owner works", async () => {
  const shard = new SqlShard();
  let isPutBack = false;
  const bed = shard.own({
    async work(records, tx) {
      for (const { sequenceNumber } of records) tx.put(sequenceNumber);
      if (records[0]?.sequenceNumber !== "4" || isPutBack) return;
      isPutBack = true;
      // As after a backup was restored: an earlier position, and the results of then.
      const [[key, row] = ["", {}]] = shard.database.positions;
      Object.assign(shard.database.positions.get(key) ?? {}, { ...row, sequence_number: "2" });
      shard.database.results.length = 2;
      await Promise.resolve();
    },
  });
  assertEquals(await pass(bed, 5000), "running");
  assertEquals(bed.retrieval.requests.at(-1)?.checkpoint, positionAt("2"));
  bed.retrieval.feed(pageOf([2, 3, 4, 5].map((number) => recordWith(number)), []));
  assertEquals(await pass(bed), "completed");
  assertEquals(shard.database.results, ALL);
  const [restart] = eventsOf(bed.events, "processorRestarting");
  assert(restart?.error instanceof StoreMovedError);
});

Deno.test("sqlSink() refuses a row of another stream", async () => {
  const shard = new SqlShard();
  await pass(shard.own());
  shard.checkpoint = positionAt("1");
  const bed = shard.own({
    stream: { streamName: "other", streamArn: undefined, streamIdentifier: undefined },
  });
  assertEquals(await pass(bed, 2000), "running");
  const [ended] = eventsOf(bed.events, "callbackEnded");
  assertEquals(
    ended?.error instanceof Error && ended.error.message,
    'Cannot store results of shard "shardId-000000000000" with table "positions": its row is of stream "words", ' +
      'expected "other": give each application a name of its own, or delete the row',
  );
  bed.held.lose();
  await bed.end;
});

Deno.test("sqlSink() gives the work a context without checkpoints", async () => {
  const shard = new SqlShard();
  const client = shard.database.client(() => Promise.resolve());
  let keys: readonly string[] = [];
  const processor = sqlSink(client, { table: "positions", applicationName: "words" })
    .processor((_records, _tx, context) => void (keys = Object.keys(context)));
  await pass(shard.own({ processor }));
  assert(keys.includes("signal") && keys.includes("shardId"));
  assert(!keys.includes("checkpoint") && !keys.includes("prepareCheckpoint"));
});

Deno.test("sqlSink() refuses arguments that cannot work, and says which", () => {
  const client = new SimulatedDatabase().client(() => Promise.resolve());
  const good = { table: "positions", applicationName: "words" };
  const refused = (make: () => unknown, message: string) => {
    assertEquals(assertThrows(make, TypeError).message, message);
  };
  refused(
    () => sqlSink(client, { ...good, table: "a; DROP TABLE b" }),
    'Cannot use a database: expected table to be a name of letters, digits and "_", with a schema before it or ' +
      'not: got "a; DROP TABLE b"',
  );
  refused(
    () => sqlSink(client, { ...good, applicationName: "" }),
    'Cannot use a database: expected applicationName to have 1 to 255 characters: got ""',
  );
  refused(
    () => sqlSink(client, JSON.parse('{"table":"t","applicationName":"a","dialect":"oracle"}')),
    'Cannot use a database: expected dialect to be "postgres" or "mysql": got "oracle"',
  );
  refused(
    () => sqlSink(client, JSON.parse('{"tabel":"t","applicationName":"a"}')),
    "Cannot use a database: there is no option tabel: did you mean table?",
  );
  refused(
    () => sqlSink(JSON.parse("{}"), good),
    "Cannot use a database: expected begin to be a function: got undefined",
  );
  refused(
    () => sqlSink(client, good).processor(JSON.parse("null")),
    "Cannot make a processor: expected the work to be a function: got object",
  );
});

Deno.test("sqlSink().processor() says when it is not asked where it starts", async () => {
  const client = new SimulatedDatabase().client(() => Promise.resolve());
  const processor = sqlSink(client, { table: "positions", applicationName: "words" }).processor(() => {});
  const shard = new SqlShard();
  const bed = shard.own({
    processor: (...given) => {
      const own = processor(...given);
      return {
        processRecords: (batch, context) => own.processRecords(batch, context),
        shardEnded: (context) => own.shardEnded(context),
      };
    },
    onProcessError: "stop",
  });
  assertEquals(await pass(bed), "lost");
  const [failed] = eventsOf(bed.events, "batchFailed");
  await assertRejects(
    () => Promise.reject(failed?.error),
    TypeError,
    "give the worker what sink.processor()",
  );
});

Deno.test("sqlSink() says how to move a position whose record is trimmed: in the database, not in the lease table", async () => {
  const ends = { "trim-horizon": "4", latest: "", stop: "" } as const;
  for (const [onTrimmedCheckpoint, results] of Object.entries(ends)) {
    const database = new SimulatedDatabase();
    const aws = simulatedAws({ streams: { s: 1 }, changeMs: 1, maxStoredBytes: 60_000 });
    const put = (text: string) => aws.stream("s").put(`${text} ${"x".repeat(25_000)}`);
    const run = async (isDone: (event: WorkerEvent) => boolean) => {
      const stop = new AbortController(), events: WorkerEvent[] = [];
      const sink = sqlSink(database.client(() => Promise.resolve()), {
        table: "positions",
        applicationName: "it's",
      });
      await new KinesisWorker({
        ...{
          applicationName: "it-s",
          streamName: "s",
          region: "us-east-1",
          log: false,
          taskBackoffTimeMs: 1,
        },
        credentials: { accessKeyId: "any", secretAccessKey: "any" },
        initialPositionInStream: "TRIM_HORIZON",
        onTrimmedCheckpoint: onTrimmedCheckpoint as "stop",
        system: aws.system,
        processor: sink.processor((records, tx) => {
          for (const record of records) tx.put(record.text().slice(0, 1));
        }),
        onEvent(event) {
          events.push(event);
          if (isDone(event)) stop.abort();
        },
      }).run(stop.signal);
      return events;
    };
    put("1");
    await run(({ type }) => type === "checkpointed");
    for (const text of ["2", "3", "4"]) put(text);
    const events = await run(({ type }) =>
      onTrimmedCheckpoint === "stop"
        ? type === "processorRestarting"
        : type === (results === "" ? "checkpointTrimmed" : "checkpointed")
    );
    assertEquals(database.results.join("").slice(-1), results === "" ? "1" : results);
    assertEquals(eventsOf(events, "checkpointTrimmed")[0]?.outcome, onTrimmedCheckpoint);
    if (onTrimmedCheckpoint !== "stop") continue;
    const [restart] = eventsOf(events, "processorRestarting");
    assertMatch(
      restart?.error instanceof Error ? restart.error.message : "",
      /^Cannot read shard shardId-000000000000 on: its checkpoint \d+ is no longer in the stream: run in the database: UPDATE "positions" SET sequence_number = 'TRIM_HORIZON', sub_sequence_number = 0 WHERE application = 'it''s' AND lease_key = 'shardId-000000000000'; to read it from its oldest record, or set onTrimmedCheckpoint to another value$/,
    );
  }
});

/**
 * The processor of a chaos run that counts in PostgreSQL, each record exactly once: `sqlSink()` with `pg`.
 *
 * @module
 */

import pg from "npm:pg@8.23.1";
import { pooled, type RecordProcessorFactory, sqlSink } from "../../src/sql/mod.ts";
import { additionsOf, endOf } from "./counters.ts";
import { crashAtTimes, work } from "./work.ts";

const pool = new pg.Pool({
  connectionString: Deno.env.get("CHAOS_DATABASE") ?? "",
  max: 4,
  connectionTimeoutMillis: 5000,
});
// A connection that is cut while nobody uses it; the pool opens another.
pool.on("error", () => {});

const sink = sqlSink<pg.PoolClient>({
  begin: pooled(() => pool.connect()),
  query: (tx, text, params) => tx.query(text, params),
}, { table: "kclite_positions", applicationName: "chaos-app" });

/** Not sorted, so that transactions also meet in a deadlock. */
const ADD =
  `INSERT INTO results SELECT id, sum(amount) FROM unnest($1::TEXT[], $2::BIGINT[]) AS added (id, amount)
  GROUP BY id ON CONFLICT (id) DO UPDATE SET amount = results.amount + excluded.amount`;

const processor: RecordProcessorFactory = sink.processor(async (records, tx) => {
  const additions = [...additionsOf(records.map((record) => record.text()))];
  const [own, shared] = [true, false].map((isOwn) =>
    additions.filter(([name]) => name.startsWith("record ") === isOwn)
  );
  for (const part of [own ?? [], shared ?? []]) {
    await work();
    crashAtTimes();
    await add(tx, part);
  }
  await work();
  crashAtTimes();
}, {
  shardEnded: (tx, { shardId }) => add(tx, [[endOf(shardId), 1]]),
});

async function add(tx: pg.PoolClient, additions: readonly (readonly [string, number])[]): Promise<void> {
  await tx.query(ADD, [additions.map(([name]) => name), additions.map(([, amount]) => amount)]);
}

export default processor;

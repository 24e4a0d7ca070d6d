/**
 * The processor of a chaos run that counts in PostgreSQL, each record exactly once: `sqlSink()` with `pg`.
 *
 * @module
 */

import { type RecordProcessorFactory, sqlSink } from "../../src/sql/mod.ts";
import { openPg } from "../interop/sql/postgres_clients.ts";
import { additionsOf, endOf } from "./counters.ts";
import { crashAtTimes, work } from "./work.ts";

const { client } = await openPg({
  port: Number(Deno.env.get("CHAOS_DATABASE_PORT")),
  user: Deno.env.get("CHAOS_DATABASE_USER") ?? "",
  database: Deno.env.get("CHAOS_DATABASE") ?? "",
  connections: 4,
});

const sink = sqlSink(client, { table: "kclite_positions", applicationName: "chaos-app" });

/** Not sorted by key, so that transactions also meet in a deadlock. */
const ADD = `INSERT INTO results SELECT key, value::BIGINT FROM json_each_text($1::JSON)
  ON CONFLICT (id) DO UPDATE SET amount = results.amount + excluded.amount`;

type Tx = Parameters<typeof client.query>[0];

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

async function add(tx: Tx, additions: readonly (readonly [string, number])[]): Promise<void> {
  await client.query(tx, ADD, [JSON.stringify(Object.fromEntries(additions))]);
}

export default processor;

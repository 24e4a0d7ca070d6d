/**
 * Exactly once into PostgreSQL: counts of words, in one transaction with the position. The first worker fails in
 * the middle of a batch; no word is counted twice. PGlite is PostgreSQL in this process.
 *
 * ```sh
 * deno run -A examples/exactly_once_postgres/main.ts
 * ```
 *
 * @module
 */

import { PGlite, type Transaction } from "npm:@electric-sql/pglite@0.5.14";
import { KinesisWorker } from "@kclite/kclite";
import { sqlSink } from "@kclite/kclite/sql";
import { simulatedAws } from "@kclite/kclite/testing";

const COUNT = "INSERT INTO words VALUES ($1, 1) ON CONFLICT (word) DO UPDATE SET count = words.count + 1";

/** Counts, dies, counts on, and ends. */
export async function main(given: { print?: (line: string) => void; db?: PGlite } = {}): Promise<void> {
  const { print = console.log, db = new PGlite() } = given;
  await db.exec("CREATE TABLE words (word TEXT PRIMARY KEY, count INTEGER NOT NULL)");
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of "to be or not to be".split(" ")) aws.stream("words").put(word);
  const sink = sqlSink<Transaction>(
    { begin: (work) => db.transaction(work), query: (tx, text, params) => tx.query(text, params) },
    { table: "kclite_positions", applicationName: "counts" },
  );
  await sink.createTable();
  for (const isDying of [true, false]) {
    const stop = new AbortController();
    const worker = new KinesisWorker({
      applicationName: "counts",
      streamName: "words",
      region: "us-east-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      system: aws.system,
      initialPositionInStream: "TRIM_HORIZON",
      onProcessError: "retry",
      maxRecords: 4,
      log: false, // it would warn of the batch that fails
      processor: sink.processor(async (records, tx) => {
        for (const record of records) await tx.query(COUNT, [record.text()]);
        if (isDying || records.length < 4) stop.abort(); // the last batch has two
        if (isDying) throw new Error("out of memory");
      }),
    });
    await worker.run(stop.signal);
  }
  const { rows } = await db.query<{ word: string; count: number }>(
    "SELECT word, count FROM words ORDER BY word",
  );
  for (const { word, count } of rows) print(`${word}: ${count}`);
}

if (import.meta.main) await main();

/** The whole way: a worker gives a record up, its letter is stored, and redrive processes it. */

import { assertEquals } from "@std/assert";
import { KinesisWorker } from "../../../mod.ts";
import { deadLetter, type DeadLetterSink } from "../../../src/failures/mod.ts";
import { fileSink } from "../../../src/failures/file/mod.ts";
import { fileLetters } from "../../../src/failures/file/file_letters.ts";
import { redrive } from "../../../src/failures/redrive/redrive.ts";
import { simulatedAws } from "../../../src/testing/mod.ts";
import { aggregate, utf8 } from "../../support/kpl.ts";
import { NEVER } from "../letters/fixtures.ts";

Deno.test("a poison record of an aggregate reaches a file once the file can be written, and redrive processes it", async () => {
  const path = `${await Deno.makeTempDir({ prefix: "kclite-letters-" })}/dead.jsonl`;
  const aws = simulatedAws({ streams: { orders: 1 } });
  const user = ["a", "poison", "b"].map((text) => ({ partitionKey: text, data: utf8(text) }));
  aws.stream("orders").put(aggregate(user));
  aws.stream("orders").put("c");
  const file = fileSink(path);
  let refusals = 3;
  const flaky: DeadLetterSink = {
    name: "flaky",
    store: (letter, connection, signal) => {
      if (refusals-- > 0) return Promise.reject(new Error("down"));
      return file.store(letter, connection, signal);
    },
  };
  const done: string[] = [];
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "billing",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    system: aws.system,
    log: false,
    initialPositionInStream: "TRIM_HORIZON",
    processor: () => ({
      async processRecords({ records }, context) {
        const texts = records.map((record) => record.text());
        if (texts.includes("poison")) throw new RangeError("bad");
        done.push(...texts);
        await context.checkpoint();
        if (done.includes("c")) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
    errors: {
      retry: { attempts: 0, delay: () => 1 },
      split: "bisect",
      onExhausted: deadLetter(flaky),
    },
  });
  await worker.run(stop.signal);
  aws.close();
  assertEquals(done.toSorted(), ["a", "b", "c"]);
  const redriven: string[] = [];
  const counts = await redrive({
    source: await fileLetters(path, false),
    processor: () => ({
      processRecords: ({ records }) =>
        void redriven.push(...records.map((record) => `${record.text()} ${record.subSequenceNumber}`)),
      shardEnded: () => {},
    }),
    fetchRecords: () => Promise.reject(new Error("the records are in the file")),
    max: Infinity,
    onStep: () => {},
  }, NEVER);
  assertEquals([redriven, counts.processed], [["poison 1"], 1]);
});

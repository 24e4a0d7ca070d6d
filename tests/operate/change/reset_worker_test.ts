/** Workers read a stream to its end over a split and a merge; after a reset to a time others read it again. */

import { assert, assertEquals } from "@std/assert";
import { main } from "../../../cli.ts";
import { parentsOf } from "../../../src/stream/shard.ts";
import { aggregateOf } from "../../../src/stream/aggregate_writer.ts";
import { type SimulatedAws, simulatedAws } from "../../../src/testing/mod.ts";
import { KinesisWorker } from "../../../src/worker/worker.ts";
import { testCredentials } from "../../support/test_stream.ts";
import { withFolder } from "../../support/folder.ts";

interface Read {
  readonly shardId: string;
  readonly text: string;
  readonly arrivalMs: number;
}

/** Runs a worker until it has read a text of each name given, and all ends are stored. */
async function readAll(aws: SimulatedAws, last: readonly string[]): Promise<Read[]> {
  const read: Read[] = [];
  const left = new Set(last);
  const stop = new AbortController();
  const tooLate = setTimeout(() => stop.abort(), 6000);
  await new KinesisWorker({
    applicationName: "app",
    streamName: "words",
    region: "eu-central-1",
    credentials: testCredentials,
    system: aws.system,
    retrievalMode: "POLLING",
    failoverTimeMs: 1000,
    leaseAssignmentIntervalMs: 100,
    idleTimeBetweenReadsMs: 200,
    parentShardPollIntervalMs: 100,
    initialPositionInStream: "TRIM_HORIZON",
    log: false,
    processor: (shardId) => ({
      async processRecords(batch, context) {
        for (const record of batch.records) {
          read.push({ shardId, text: record.text(), arrivalMs: record.approximateArrivalTimestamp });
          left.delete(record.text());
        }
        await context.checkpoint();
        if (left.size === 0) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  }).run(stop.signal);
  clearTimeout(tooLate);
  assertEquals([...left], [], "what was not read");
  return read;
}

async function reset(aws: SimulatedAws, args: readonly string[]): Promise<{ code: number; text: string }> {
  const env: Readonly<Record<string, string>> = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "of-no-use",
  };
  const place = ["--application", "app", "--stream", "words", "--region", "eu-central-1"];
  let text = "";
  const code = await main(["reset", ...args, ...place, "--set", "failoverTimeMillis=1000"], {
    out: (line) => void (text += `${line}\n`),
    err: (line) => void (text += `${line}\n`),
    childStderr: (part) => void (text += part),
    env: (name) => env[name],
    envNames: Object.keys(env),
    signal: new AbortController().signal,
    options: { system: aws.system },
  });
  return { code, text };
}

Deno.test("reset to a time lets a KinesisWorker read exactly what arrived since, over a split and a merge", async () => {
  const aws = simulatedAws({ region: "eu-central-1", changeMs: 0, streams: { words: 2 } });
  const words = aws.stream("words");
  let n = 0;
  /** Into each open shard; every second one is an aggregate. */
  const put = async () => {
    for (const { hashKeyRange: { startingHashKey: key }, endingSequenceNumber } of words.shards()) {
      if (endingSequenceNumber !== undefined) continue;
      const text = `${n++}`;
      if (n % 2 === 0) words.put(text, "key", key);
      else {
        const texts = ["a", "b", "c"].map((part) => new TextEncoder().encode(text + part));
        words.put(aggregateOf("key", key, texts), "key", key);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const id = (shard: number) => words.shards()[shard]?.shardId ?? "";
  await put();
  await put();
  words.split(id(0));
  await put();
  const fromMs = Date.now();
  await put();
  words.merge(id(2), id(3));
  await put();
  await put();
  words.put("end 1", "key", "0");
  words.put("end 2", "key", words.shards()[1]?.hashKeyRange.startingHashKey);
  const first = await readAll(aws, ["end 1", "end 2"]);
  assertEquals(new Set(first.map(({ shardId }) => shardId)).size, 5);

  await withFolder({}, async (folder) => {
    const at = new Date(fromMs).toISOString();
    const { code, text } = await reset(aws, ["--to", at, "--execute", "--export", `${folder}/1.json`]);
    assertEquals(code, 0, text);
  });
  const again = await readAll(aws, ["end 1", "end 2"]);
  const expected = first.filter(({ arrivalMs }) => arrivalMs >= fromMs);
  const texts = (reads: readonly Read[]) => reads.map(({ text }) => text).toSorted();
  assertEquals(texts(again), texts(expected), "nothing else, and nothing twice");
  assert(expected.length > 5 && expected.length < first.length, `${expected.length} of ${first.length}`);
  for (const shard of words.shards()) {
    const begin = again.findIndex(({ shardId }) => shardId === shard.shardId);
    for (const parent of parentsOf(shard)) {
      const end = again.findLastIndex(({ shardId }) => shardId === parent);
      assert(begin === -1 || end < begin, `${parent} before ${shard.shardId}`);
    }
  }
  aws.close();
});

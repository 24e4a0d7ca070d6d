/** `kclite clone` between real workers: what the copy delivers. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { main } from "../../../cli.ts";
import { KinesisWorker } from "../../../mod.ts";
import { parentsOf } from "../../../src/stream/shard.ts";
import { type SimulatedAws, simulatedAws } from "../../../src/testing/mod.ts";
import { testCredentials } from "../../support/test_stream.ts";

interface Delivered {
  readonly text: string;
  readonly shardId: string;
}

/** Runs a worker, until it has delivered enough. */
async function delivered(
  aws: SimulatedAws,
  applicationName: string,
  streamName: string,
  isEnough: (all: readonly Delivered[]) => boolean,
): Promise<readonly Delivered[]> {
  const all: Delivered[] = [];
  const stop = new AbortController();
  await new KinesisWorker({
    applicationName,
    streamName,
    region: "us-east-1",
    credentials: testCredentials,
    // A copy that began without its leases would deliver nothing.
    initialPositionInStream: applicationName === "app" ? "TRIM_HORIZON" : "LATEST",
    retrievalMode: "POLLING",
    maxRecords: 4,
    idleTimeBetweenReadsMs: 200,
    leaseAssignmentIntervalMs: 100,
    failoverTimeMs: 1000,
    log: false,
    system: aws.system,
    processor: () => ({
      async processRecords({ records }, context) {
        for (const record of records) all.push({ text: record.text(), shardId: context.shardId });
        await context.checkpoint();
        if (isEnough(all)) stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  }).run(AbortSignal.any([stop.signal, AbortSignal.timeout(6000)]));
  return all;
}

async function run(aws: SimulatedAws, ...args: readonly string[]): Promise<string> {
  const env: Readonly<Record<string, string>> = {
    AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/none",
    AWS_CONFIG_FILE: "/none",
  };
  let out = "", err = "";
  const code = await main([...args, "--region", "us-east-1"], {
    out: (line) => void (out += `${line}\n`),
    err: (line) => void (err += `${line}\n`),
    childStderr: () => {},
    env: (name) => env[name],
    envNames: Object.keys(env),
    signal: new AbortController().signal,
    options: { system: aws.system },
  });
  assertEquals([code, err], [0, ""]);
  return out;
}

/** A stream that was split and merged, and another with the same records. */
function splitStream() {
  const aws = simulatedAws({ streams: { orders: 2, copies: 3 }, changeMs: 0 });
  const orders = aws.stream("orders"), copies = aws.stream("copies");
  const texts: string[] = [];
  const put = (count: number) => {
    for (let n = 0; n < count; n++) {
      const text = `order ${texts.length}`;
      texts.push(text);
      orders.put(text);
      copies.put(text);
    }
  };
  put(24);
  orders.split("shardId-000000000000");
  put(24);
  orders.merge("shardId-000000000003", "shardId-000000000001");
  put(24);
  return { aws, texts };
}

const FIRST = ["--application", "app", "--stream", "orders"];

Deno.test("clone: a worker of the copy delivers exactly what the source had not, parents before children", async () => {
  const { aws, texts } = splitStream();
  const before = await delivered(aws, "app", "orders", (all) => all.length >= 30);
  assertGreater(before.length, 29);
  assert(before.length < texts.length);
  await run(aws, "clone", ...FIRST, "--as", "copy", "--execute");
  const after = await delivered(aws, "copy", "orders", (all) => all.length >= texts.length - before.length);
  assertEquals(
    [...before, ...after].map(({ text }) => text).sort(),
    [...texts].sort(),
  );
  for (const shard of aws.stream("orders").shards()) {
    const { shardId } = shard;
    const first = after.findIndex((one) => one.shardId === shardId);
    for (const parent of parentsOf(shard)) {
      const last = after.findLastIndex((one) => one.shardId === parent);
      assert(first < 0 || last < first, `${parent} after ${shardId}`);
    }
  }
});

Deno.test("clone --to-stream: a worker of the copy delivers all that the source had not, from the other stream", async () => {
  const { aws, texts } = splitStream();
  const before = await delivered(aws, "app", "orders", (all) => all.length >= 30);
  const left = new Set(texts.filter((text) => !before.some((one) => one.text === text)));
  assert(left.size > 0);
  const out = await run(aws, "clone", ...FIRST, "--as", "copy", "--to-stream", "copies", "--execute");
  assert(out.includes("Start its workers with --application copy --stream copies"), out);
  const after = await delivered(aws, "copy", "copies", (all) => {
    const found = new Set(all.map(({ text }) => text));
    return [...left].every((text) => found.has(text));
  });
  const found = new Set(after.map(({ text }) => text));
  assertEquals([...left].filter((text) => !found.has(text)), []);
});

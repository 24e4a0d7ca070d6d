/**
 * Keeps a stream in S3, in objects of a size or a time: the smaller of 1000 records, 6 MB and a second here.
 *
 * ```sh
 * deno run -A examples/s3_archive/main.ts
 * ```
 *
 * The bucket is a Map. With AWS, sign the request with `AwsClient` of the package aws4fetch:
 *
 * ```ts ignore
 * const s3 = new AwsClient({ ...keys, service: "s3", region });
 * const putObject: PutObject = async (key, body) => {
 *   const answer = await s3.fetch(`https://BUCKET.s3.${region}.amazonaws.com/${key}`, { method: "PUT", body });
 *   if (!answer.ok) throw new Error(`Cannot put ${key}: got status ${answer.status}`);
 * };
 * ```
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { simulatedAws } from "@kclite/kclite/testing";
import { type PutObject, s3Sink } from "./s3_sink.ts";

/** Archives five orders, fails once after a put, and prints what the bucket holds. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (let order = 1; order <= 5; order++) aws.stream("orders").put(JSON.stringify({ order }));

  const bucket = new Map<string, string>();
  const stop = new AbortController();
  let puts = 0;
  const putObject: PutObject = async (key, body) => {
    bucket.set(key, body);
    if (++puts === 1) throw new Error("the answer was lost"); // the object is there all the same
    if ([...bucket.values()].join("").includes('"order":5')) stop.abort();
  };
  const worker = new KinesisWorker({
    applicationName: "archive",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "retry",
    batch: { size: 1000, windowMs: 1000 },
    processor: () => s3Sink(putObject, "orders/"),
  });
  await worker.run(stop.signal);
  print(
    `${bucket.size} object, put ${puts} times: ${[...bucket.values()].join("").trim().split("\n").join(" ")}`,
  );
}

if (import.meta.main) await main();

/**
 * Changes of a DynamoDB table: what is ordered, what it costs now, and what is gone. A worker reads the table's
 * stream by its ARN; `record.change` tells what changed.
 *
 * ```sh
 * deno run -A examples/dynamodb_streams/main.ts
 * ```
 *
 * With AWS, take the table's `LatestStreamArn`, and leave out `system`.
 *
 * @module
 */

import { eachRecord, KinesisWorker } from "@kclite/kclite";
import { unmarshall } from "@kclite/kclite/dynamodb-streams";
import { simulatedAws } from "@kclite/kclite/testing";

interface Order {
  readonly id: string;
  readonly total: number;
}

/** Prints four changes of two orders, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ tables: { orders: { key: "id", stream: "NEW_AND_OLD_IMAGES" } } });
  const table = aws.table("orders");
  table.put({ id: { S: "a" }, total: { N: "5" } });
  table.put({ id: { S: "b" }, total: { N: "7" } });
  table.stream.rollOver(); // as every four hours: the changes that follow are in the next shard
  table.put({ id: { S: "a" }, total: { N: "6.5" } });
  table.expire({ id: { S: "b" } });

  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "order-changes",
    streamArn: table.stream.arn,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    log: false,
    processor: eachRecord(({ change }) => {
      const before = change?.oldImage && unmarshall<Order>(change.oldImage);
      const after = change?.newImage && unmarshall<Order>(change.newImage);
      if (after === undefined) {
        print(`${before?.id} is gone${change?.isExpiry ? ": its time was over" : ""}`);
        stop.abort();
      } else if (before === undefined) print(`${after.id} is new: ${after.total}`);
      else print(`${after.id} was ${before.total}, is ${after.total}`);
    }),
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();

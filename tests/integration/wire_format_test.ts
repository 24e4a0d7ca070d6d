/**
 * A whole worker over HTTP, reading in either of the two formats of GetRecords.
 */

import { assertEquals } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { cbor } from "../support/cbor.ts";
import { startFakeKinesis } from "../support/fake_kinesis.ts";
import { until } from "../support/fleet.ts";
import { testCredentials } from "../support/test_stream.ts";

const SHARD = {
  ShardId: "s-0",
  HashKeyRange: { StartingHashKey: "0", EndingHashKey: "340282366920938463463374607431768211455" },
  SequenceNumberRange: { StartingSequenceNumber: "1" },
};
const CBOR = "application/x-amz-cbor-1.1", JSON_TYPE = "application/x-amz-json-1.1";

for (const [wireFormat, wanted] of [[undefined, JSON_TYPE], ["json", JSON_TYPE], ["cbor", CBOR]] as const) {
  Deno.test(`KinesisWorker with wireFormat ${wireFormat} reads in ${wanted}`, async () => {
    const types: (string | null)[] = [];
    await using kinesis = startFakeKinesis({
      DescribeStreamSummary: () => ({
        body: { StreamDescriptionSummary: { StreamName: "words", StreamStatus: "ACTIVE" } },
      }),
      ListShards: () => ({ body: { Shards: [SHARD] } }),
      GetShardIterator: () => ({ body: { ShardIterator: "0" } }),
      GetRecords({ headers }) {
        const type = headers.get("content-type");
        types.push(type);
        const record = { SequenceNumber: `${types.length}`, PartitionKey: "key" };
        const rest = { NextShardIterator: "0", MillisBehindLatest: 0 };
        const data = new TextEncoder().encode("hello");
        if (type !== CBOR) {
          return {
            body: { Records: [{ ...record, Data: btoa("hello"), ApproximateArrivalTimestamp: 1 }], ...rest },
          };
        }
        const page = {
          Records: [{ ...record, Data: data, ApproximateArrivalTimestamp: new Date(1000) }],
          ...rest,
        };
        return { headers: { "content-type": CBOR }, body: Uint8Array.from(cbor(page)) };
      },
    });
    const table = new MemoryTable("app", "leaseKey");
    const texts: string[] = [];
    const stop = new AbortController();
    const running = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: kinesis.url,
      leaseStore: new MemoryLeaseStore(table),
      coordinatorStore: new MemoryCoordinatorStore(table),
      initialPositionInStream: "TRIM_HORIZON",
      wireFormat,
      processor: () => ({
        processRecords: ({ records }) =>
          void texts.push(...records.map(({ data }) => new TextDecoder().decode(data))),
        shardEnded: (context) => context.checkpoint(),
      }),
    }).run(stop.signal);
    await until("a record is read", () => texts.length > 0);
    stop.abort();
    await running;
    assertEquals([...new Set(texts)], ["hello"]);
    assertEquals([...new Set(types)], [wanted]);
  });
}

/**
 * A whole worker, reading in either of the two formats of GetRecords.
 */

import { assertEquals } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { realSystem } from "../../src/system.ts";
import { until } from "../support/fleet.ts";
import { simulated } from "../support/simulated.ts";
import { testCredentials } from "../support/test_stream.ts";

const CBOR = "application/x-amz-cbor-1.1", JSON_TYPE = "application/x-amz-json-1.1";

for (const [wireFormat, wanted] of [[undefined, JSON_TYPE], ["json", JSON_TYPE], ["cbor", CBOR]] as const) {
  Deno.test(`KinesisWorker with wireFormat ${wireFormat} reads in ${wanted}`, async () => {
    const types: (string | null)[] = [];
    const { aws } = simulated({ streams: { words: 1 } });
    aws.stream("words").put("hello");
    const fetch = (url: URL | RequestInfo, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      if (headers.get("x-amz-target")?.endsWith(".GetRecords")) types.push(headers.get("content-type"));
      return aws.fetch(url, init);
    };
    const table = new MemoryTable("app", "leaseKey");
    const texts: string[] = [];
    const stop = new AbortController();
    const running = new KinesisWorker({
      log: false,
      applicationName: "app",
      streamName: "words",
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: "http://simulated",
      system: { ...realSystem, fetch },
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
    assertEquals(texts, ["hello"]);
    assertEquals([...new Set(types)], [wanted]);
  });
}

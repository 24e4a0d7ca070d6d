/**
 * lifion-kinesis, a consumer with leases in DynamoDB, set up as kindly as its options allow: no pause between two reads, no
 * checkpoint after each, no guessing whether data are JSON.
 *
 * @module
 */

import { Meter, type Turn } from "../meter.ts";
import { load, type Peer, type Pinned } from "./peer.ts";

const LIFION: Pinned = { name: "lifion-kinesis", version: "1.3.3" };

interface LifionModule {
  readonly default: new (options: unknown) => Consumer;
}

interface Consumer {
  on(event: "data", listener: (page: Page) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
  startConsumer(): Promise<void>;
  stopConsumer(): void;
}

interface Page {
  readonly records: readonly { readonly data: Uint8Array }[];
}

/** A consumer of `lifion-kinesis`. */
export const lifionKinesis: Peer = {
  packages: [LIFION],
  skippedInDeno:
    "of an answer of 5 MiB its aws-sdk 2.1693 gets the first 222 KiB and waits for the rest for ever (Deno 2.9.6)",
  async turn({ url, tableUrl, streamName, size }) {
    const { default: Kinesis } = await load(LIFION) as LifionModule;
    const aws = { region: "us-east-1", accessKeyId: "bench", secretAccessKey: "bench" };
    const consumer = new Kinesis({
      ...aws,
      endpoint: url,
      // A new name for each turn: its state would remember who had the shard before.
      dynamoDb: { ...aws, endpoint: tableUrl, tableName: `lifion-${crypto.randomUUID()}` },
      streamName,
      consumerGroup: "bench",
      createStreamIfNeeded: false,
      initialPositionInStream: "TRIM_HORIZON",
      pollDelay: 0,
      shouldParseJson: false,
      useAutoCheckpoints: false,
    });
    const meter = new Meter(size);
    const turn = await new Promise<Turn>((resolve, reject) => {
      consumer.on("data", ({ records }) => {
        const turn = meter.page(records.map(({ data }) => data));
        if (turn !== undefined) resolve(turn);
      });
      consumer.on("error", reject);
      consumer.startConsumer().catch(reject);
    });
    consumer.stopConsumer();
    return turn;
  },
};

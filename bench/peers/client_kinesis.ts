/**
 * AWS's own client, in the plainest loop: GetRecords, one page after the other. No leases, no checkpoints, no pacing.
 *
 * It speaks HTTP/2 unless it is given another handler; the canned server speaks HTTP/1.1, as all others here do.
 *
 * @module
 */

import { iteratorText } from "../canned_page.ts";
import { Meter } from "../meter.ts";
import { load, type Peer, type Pinned } from "./peer.ts";

const CLIENT: Pinned = { name: "@aws-sdk/client-kinesis", version: "3.1143.0" };
const HANDLER: Pinned = { name: "@smithy/node-http-handler", version: "4.14.2" };

interface ClientModule {
  readonly KinesisClient: new (options: unknown) => { send(command: unknown): Promise<Page> };
  readonly GetRecordsCommand: new (input: unknown) => unknown;
}

interface HandlerModule {
  readonly NodeHttpHandler: new () => unknown;
}

interface Page {
  readonly Records: readonly { readonly Data: Uint8Array }[];
  readonly NextShardIterator: string;
}

/** A loop over `@aws-sdk/client-kinesis`. */
export const clientKinesis: Peer = {
  packages: [CLIENT, HANDLER],
  async turn({ url, streamName, size }) {
    const { KinesisClient, GetRecordsCommand } = await load(CLIENT) as ClientModule;
    const { NodeHttpHandler } = await load(HANDLER) as HandlerModule;
    const client = new KinesisClient({
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
      requestHandler: new NodeHttpHandler(),
    });
    const meter = new Meter(size);
    for (let iterator = iteratorText({ streamName, shard: 0, page: 0 });;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 10_000 }));
      const turn = meter.page(page.Records.map(({ Data }) => Data));
      if (turn !== undefined) return turn;
      iterator = page.NextShardIterator;
    }
  },
};

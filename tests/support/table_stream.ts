/**
 * A table with a stream on an emulator whose clock passes by hand.
 *
 * @module
 */

import { type DynamoDBStreams, signedDynamoDBStreams } from "../../src/aws/dynamodb_streams.ts";
import type { SimulatedAwsOptions, TableStreamControl } from "../../src/testing/mod.ts";
import { FakeClock } from "./fake_clock.ts";
import { type Simulated, simulated } from "./simulated.ts";

/** A table "orders" with the key `id`, and its stream. */
export interface TableStreamBed extends Simulated {
  readonly clock: FakeClock;
  readonly streams: DynamoDBStreams;
  readonly arn: string;
  readonly stream: TableStreamControl;
  /** Puts an item with this key. */
  put(id: string, more?: Readonly<Record<string, unknown>>): Promise<void>;
  remove(id: string): Promise<void>;
}

/** What CreateTable takes. */
export function ordersTable(
  StreamViewType: string | undefined = "NEW_AND_OLD_IMAGES",
): Readonly<Record<string, unknown>> {
  return {
    TableName: "orders",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    StreamSpecification: { StreamEnabled: true, StreamViewType },
  };
}

/** Makes the table, and waits until its stream is enabled. */
export async function tableStreamBed(
  options: SimulatedAwsOptions = {},
  viewType?: string,
): Promise<TableStreamBed> {
  const clock = new FakeClock();
  const made = simulated({ changeMs: 100, system: { clock, random: () => 0 }, ...options });
  await made.call("CreateTable", ordersTable(viewType));
  clock.jump(1000);
  const stream = made.aws.table("orders").stream;
  return {
    ...made,
    clock,
    streams: signedDynamoDBStreams(made.service),
    arn: stream.arn,
    stream,
    async put(id, more = {}) {
      await made.call("PutItem", { TableName: "orders", Item: { id: { S: id }, ...more } });
    },
    async remove(id) {
      await made.call("DeleteItem", { TableName: "orders", Key: { id: { S: id } } });
    },
  };
}

/**
 * The streams of tables for a worker that does not load them by itself: one that runs in slices.
 *
 * @module
 */

import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { GivenCredentials } from "../aws/credentials.ts";
import type { Kinesis } from "../aws/kinesis.ts";
import { realSystem, type System } from "../system.ts";
import { tableStreamsAsKinesis } from "./changes_as_kinesis.ts";

/** Options of {@linkcode tableStreams}. */
export interface TableStreamsOptions {
  /** The region of the table, e.g. `eu-central-1`. */
  readonly region: string;
  /** Keys, or a function that gives them. */
  readonly credentials: GivenCredentials;
  /** Base URL of an emulator, or of an endpoint of DynamoDB Streams. @default the region's public endpoint */
  readonly endpoint?: string | undefined;
  /** Time, chance and `fetch`. @default the real ones */
  readonly system?: System | undefined;
}

/**
 * Reads the streams of tables as Kinesis is read: the option `kinesis` of an `EdgeWorker`. A `KinesisWorker`
 * needs only the ARN.
 *
 * ```ts
 * import { EdgeWorker } from "@kclite/kclite/edge";
 * import { tableStreams } from "@kclite/kclite/dynamodb-streams";
 *
 * const credentials = { accessKeyId: "…", secretAccessKey: "…" };
 * const region = "eu-central-1";
 * const worker = new EdgeWorker({
 *   applicationName: "orders-changes",
 *   streamArn: "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-01-30T12:00:00.000",
 *   region,
 *   credentials,
 *   leases: "hold",
 *   workerIdentifier: "changes",
 *   kinesis: tableStreams({ region, credentials }),
 *   processor: () => ({
 *     processRecords: ({ records }) => console.log(records[0]?.change),
 *     shardEnded: (context) => context.checkpoint(),
 *   }),
 * });
 * ```
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function tableStreams(options: TableStreamsOptions): Kinesis {
  const { region, credentials, endpoint, system = realSystem } = options;
  return tableStreamsAsKinesis({
    region,
    credentials: keptCredentials(credentials, "the option credentials", { system }),
    system,
    dynamoDBStreamsEndpoint: endpoint,
  });
}

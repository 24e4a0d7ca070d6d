/**
 * Streams of DynamoDB's tables in a worker: which options ask for them, and what reads them. A worker that
 * asks for none has the client of Kinesis as it is.
 *
 * @module
 */

import { parseStreamArn } from "../aws/endpoint.ts";
import type { ServiceOptions } from "../aws/json_call.ts";
import type { Kinesis } from "../aws/kinesis.ts";
import { kinesisByName } from "../aws/kinesis_by_name.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { StreamConfig } from "../options/stream_options.ts";
import { isTableStreamName } from "../stream/table_stream_name.ts";

/** Puts what reads the streams of tables beside the client of Kinesis. */
export type TableStreamsReader = (kinesis: Kinesis, service: ServiceOptions) => Kinesis;

/**
 * What reads the streams of tables. Undefined for a worker that names none.
 *
 * @throws {TypeError} when one is to be read from a time on.
 */
export function tableStreamsReader(
  { finding, clients }: Pick<WorkerSettings, "finding" | "clients">,
): TableStreamsReader | undefined {
  const { streams: wanted, initialPosition } = finding;
  if (wanted.mode === "one") {
    if (!isTableStreamName(wanted.stream.streamName)) return undefined;
    refuseTime(wanted.stream.streamName, initialPosition);
  } else if (Array.isArray(wanted.list)) {
    const configs: readonly (string | StreamConfig)[] = wanted.list;
    const ofTables = configs.filter((config) => isTableStreamName(nameIn(config)));
    if (ofTables.length === 0) return undefined;
    for (const config of ofTables) {
      const own = typeof config === "string" ? undefined : config.initialPositionInStream;
      refuseTime(nameIn(config), own ?? initialPosition);
    }
  }
  const { dynamoDBStreamsEndpoint, dynamoDBEndpoint } = clients;
  return (kinesis, { endpoint: kinesisEndpoint, ...service }) =>
    kinesisByName(kinesis, async () => {
      const { tableStreamsAsKinesis } = await import("../dynamodb_streams/changes_as_kinesis.ts");
      return tableStreamsAsKinesis({
        ...service,
        dynamoDBStreamsEndpoint,
        dynamoDBEndpoint,
        kinesisEndpoint,
      });
    });
}

function nameIn(config: string | StreamConfig): string {
  const { streamIdentifier, streamArn, streamName } = typeof config === "string"
    ? { streamIdentifier: undefined, streamArn: config, streamName: undefined }
    : config;
  const text = streamIdentifier ?? streamArn ?? streamName ?? "";
  return text.startsWith("arn:") ? parseStreamArn(text).streamName : text;
}

function refuseTime(stream: string, position: unknown): void {
  if (!(position instanceof Date)) return;
  throw new TypeError(
    `Cannot start worker: expected initialPositionInStream of DynamoDB stream "${stream}" to be TRIM_HORIZON or ` +
      `LATEST, since it cannot be read from a time on: got ${position.toISOString()}`,
  );
}

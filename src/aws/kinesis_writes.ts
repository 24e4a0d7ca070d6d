/**
 * Records put into a stream, as an interface and as signed JSON calls. A consumer puts none.
 *
 * @module
 */

import { type Fields, fieldsOf, listIn, optionalTextIn } from "./answer_fields.ts";
import { jsonCaller, type ServiceOptions } from "./json_call.ts";
import type { StreamReference } from "./kinesis.ts";
import { KINESIS_SERVICE, sequenceNumberIn } from "./kinesis_wire.ts";
import { encodeBase64 } from "./payload_slab.ts";

/** A record to put. */
export interface NewRecord {
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

/** What became of one record. */
export type PutOutcome =
  | { readonly isPut: true; readonly shardId: string | undefined; readonly sequenceNumber: string }
  | { readonly isPut: false; readonly code: string; readonly detail: string };

/**
 * The most of one call: records, and bytes of payloads and partition keys. A record alone may have as many
 * bytes, where its stream allows it. Source: "Quotas and limits" of the Kinesis documentation.
 */
export const PUT_LIMITS: { readonly records: number; readonly bytes: number } = {
  records: 500,
  bytes: 10 * 1024 ** 2,
};

/** What puts records. Every method throws `AwsServiceError`, or the signal's reason. */
export interface KinesisWrites {
  /**
   * Puts records in one call. Each has an outcome of its own, in the same order. Shards keep the order of
   * those that are put. A call whose answer is lost is tried again, and puts its records twice.
   */
  putRecords(
    stream: StreamReference,
    records: readonly NewRecord[],
    signal?: AbortSignal,
  ): Promise<readonly PutOutcome[]>;
}

/**
 * Kinesis over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedKinesisWrites(options: ServiceOptions): KinesisWrites {
  const call = jsonCaller(KINESIS_SERVICE, options);
  return {
    putRecords: ({ streamName, streamArn }, records, signal) =>
      call({
        operation: "PutRecords",
        input: {
          StreamName: streamName,
          ...(streamArn === undefined ? {} : { StreamARN: streamArn }),
          Records: records.map(({ partitionKey, data }) => ({
            PartitionKey: partitionKey,
            Data: encodeBase64(data),
          })),
        },
        decode: (body) => outcomesOf(body, records.length),
        signal,
      }),
  };
}

function outcomesOf(body: Fields, count: number): readonly PutOutcome[] {
  const results = listIn(body, "Records");
  // Otherwise it would be unknown which records are meant.
  if (results.length !== count) {
    throw new SyntaxError(`expected ${count} results in Records: got ${results.length}`);
  }
  return results.map((value): PutOutcome => {
    const result = fieldsOf(value, "a result");
    const code = optionalTextIn(result, "ErrorCode");
    if (code !== undefined) {
      return { isPut: false, code, detail: optionalTextIn(result, "ErrorMessage") ?? "" };
    }
    const sequenceNumber = sequenceNumberIn(result, "SequenceNumber");
    return { isPut: true, shardId: optionalTextIn(result, "ShardId"), sequenceNumber };
  });
}

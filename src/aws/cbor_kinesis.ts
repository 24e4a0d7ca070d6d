/**
 * Kinesis with GetRecords in CBOR (`application/x-amz-cbor-1.1`), which AWS's SDKs for Java speak: payloads come as
 * bytes, a quarter fewer of them, with nothing to decode. All other calls stay JSON.
 *
 * It is not in the public API reference. So a server that does not answer in kind, as emulators do not, is asked the same in
 * JSON at once and from then on: trying costs one call.
 *
 * Source: AWS SDK for Java 2, `AwsCborProtocolFactory`: times are epoch milliseconds under tag 1.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { System } from "../system.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { exchange, type HttpRequest } from "./http_exchange.ts";
import { jsonCaller, type Sent } from "./json_call.ts";
import {
  type GetRecordsOutput,
  type Kinesis,
  READ_RETRY_POLICY,
  type SignedKinesisOptions,
  type StreamReference,
} from "./kinesis.ts";
import { KINESIS_SERVICE } from "./kinesis_wire.ts";

/**
 * Puts CBOR before a Kinesis that speaks JSON.
 *
 * @param json For all other calls, and for GetRecords where the server does not answer in kind.
 * @param options As `json` was made from.
 */
export function cborKinesis(json: Kinesis, options: SignedKinesisOptions): Kinesis {
  const reader = new CborReader(json, options);
  return {
    describeStreamSummary: (...call) => json.describeStreamSummary(...call),
    listShards: (...call) => json.listShards(...call),
    getShardIterator: (...call) => json.getShardIterator(...call),
    getRecords: (stream, shardIterator, limit, signal) =>
      reader.getRecords(stream, { shardIterator, limit, signal }),
  };
}

interface Read {
  readonly shardIterator: string;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

class CborReader {
  readonly #json: Kinesis;
  readonly #options: SignedKinesisOptions;
  readonly #call: ReturnType<typeof jsonCaller>;
  #isUnderstood = true;

  constructor(json: Kinesis, options: SignedKinesisOptions) {
    this.#json = json;
    this.#options = options;
    this.#call = jsonCaller(KINESIS_SERVICE, options);
  }

  async getRecords(
    stream: StreamReference,
    { shardIterator, limit, signal }: Read,
  ): Promise<GetRecordsOutput> {
    if (this.#isUnderstood) {
      const input = { ShardIterator: shardIterator, Limit: limit, StreamARN: stream.streamArn };
      const output = await this.#call({
        operation: "GetRecords",
        input,
        decode: () => undefined,
        retry: this.#options.readRetry ?? READ_RETRY_POLICY,
        transport: { message: { contentType: CBOR_TYPE, body: encodeCbor(input) }, send: sendCbor },
        signal,
      });
      if (output !== undefined) return output;
      if (this.#isUnderstood) {
        this.#isUnderstood = false;
        const text = "Kinesis does not answer in CBOR here: reading in JSON.";
        this.#options.onEvent?.({ type: "notice", level: "info", leaseKey: undefined, text });
      }
    }
    return await this.#json.getRecords(stream, shardIterator, limit, signal);
  }
}

const CBOR_TYPE = "application/x-amz-cbor-1.1";

/** Sends GetRecords. The value is undefined when the server did not answer in kind. */
async function sendCbor(
  system: System,
  request: HttpRequest,
  signal?: AbortSignal,
): Promise<Sent<GetRecordsOutput | undefined>> {
  const answer = await exchange(system, request, signal);
  if (!answer.answered) return answer;
  const { status, headers } = answer;
  const notInKind = { ok: true, status, value: undefined } as const;
  // What a proxy or a service in trouble says tells nothing of what the service can do.
  if (headers.get("content-type")?.split(";")[0]?.trim() !== CBOR_TYPE) {
    return status < 500 ? notInKind : answer;
  }
  let body: CborValue;
  try {
    body = decodeCbor(new Uint8Array(answer.body));
    if (status < 300) return { ok: true, status, value: getRecordsOutput(mapOf(body)) };
  } catch (error) {
    if (error instanceof SyntaxError) return status < 500 ? notInKind : answer;
    throw error;
  }
  // An error: put into JSON, in which errors are read.
  const text = JSON.stringify(body, (_, value) => typeof value === "bigint" ? `${value}` : value);
  return { ...answer, body: new TextEncoder().encode(text).buffer };
}

type CborMap = { readonly [key: string]: CborValue };

function getRecordsOutput(answer: CborMap): GetRecordsOutput {
  let bytes = 0;
  const records = listOf(answer["Records"]).map((wire): KinesisRecord => {
    const record = mapOf(wire);
    const data = record["Data"];
    if (!(data instanceof Uint8Array)) throw unexpected("Data", "bytes");
    bytes += data.length;
    return {
      sequenceNumber: textOf(record, "SequenceNumber"),
      subSequenceNumber: 0,
      partitionKey: textOf(record, "PartitionKey"),
      explicitHashKey: undefined,
      data,
      approximateArrivalTimestamp: Math.round(numberOf(record, "ApproximateArrivalTimestamp")),
      encryptionType: encryptionTypeOf(record["EncryptionType"]),
      aggregated: false,
    };
  });
  return {
    records,
    bytes,
    nextShardIterator: answer["NextShardIterator"] == null ? undefined : textOf(answer, "NextShardIterator"),
    millisBehindLatest: answer["MillisBehindLatest"] == null
      ? undefined
      : numberOf(answer, "MillisBehindLatest"),
    childShards: listOf(answer["ChildShards"]).map(childShard),
  };
}

function childShard(wire: CborValue): ChildShard {
  const child = mapOf(wire);
  const range = mapOf(child["HashKeyRange"] ?? null);
  return {
    shardId: textOf(child, "ShardId"),
    parentShards: listOf(child["ParentShards"]).map(String),
    hashKeyRange: {
      startingHashKey: textOf(range, "StartingHashKey"),
      endingHashKey: textOf(range, "EndingHashKey"),
    },
  };
}

function encryptionTypeOf(value: CborValue | undefined): KinesisRecord["encryptionType"] {
  return value === "NONE" || value === "KMS" ? value : undefined;
}

function mapOf(value: CborValue): CborMap {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) {
    throw unexpected("something else", "a map");
  }
  return value as CborMap;
}

function listOf(value: CborValue | undefined): readonly CborValue[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw unexpected("something else", "a list");
  return value;
}

function textOf(map: CborMap, key: string): string {
  const value = map[key];
  if (typeof value !== "string") throw unexpected(key, "text");
  return value;
}

function numberOf(map: CborMap, key: string): number {
  const value = map[key];
  if (typeof value !== "number") throw unexpected(key, "a number");
  return value;
}

function unexpected(what: string, wanted: string): SyntaxError {
  return new SyntaxError(`Cannot read GetRecords in CBOR: expected ${what} to be ${wanted}`);
}

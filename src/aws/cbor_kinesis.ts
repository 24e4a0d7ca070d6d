/**
 * Kinesis with GetRecords in CBOR (`application/x-amz-cbor-1.1`), as AWS's SDKs for Java use it. Payloads
 * arrive as bytes: a quarter fewer, with nothing to decode. All other calls stay JSON.
 *
 * It is not in the public API reference. So if a server does not answer in CBOR (emulators do not), the same
 * request is sent in JSON immediately and from then on. The attempt costs one call.
 *
 * Source: AWS SDK for Java 2, `AwsCborProtocolFactory`: times are epoch milliseconds under tag 1.
 *
 * @module
 */

import type { System } from "../system.ts";
import { fieldsOf, unexpected } from "./answer_fields.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { RECORDS_MEMBER } from "./cbor_records.ts";
import { exchange, type HttpRequest } from "./http_exchange.ts";
import { jsonCaller, type Sent } from "./json_call.ts";
import {
  type Kinesis,
  READ_RETRY_POLICY,
  type SignedKinesisOptions,
  type StreamReference,
} from "./kinesis.ts";
import {
  type GetRecordsOutput,
  getRecordsOutput,
  KINESIS_SERVICE,
  type RecordEncoding,
} from "./kinesis_wire.ts";

/**
 * Puts CBOR before a Kinesis that speaks JSON.
 *
 * @param json For all other calls, and for GetRecords if the server does not answer in CBOR.
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
  // An answer of a proxy or of a failing service does not show what the service supports.
  if (headers.get("content-type")?.split(";")[0]?.trim() !== CBOR_TYPE) {
    return status < 500 ? notInKind : answer;
  }
  let body: CborValue;
  try {
    const bytes = new Uint8Array(answer.body);
    if (status < 300) return { ok: true, status, value: getRecordsOutputInCbor(bytes) };
    body = decodeCbor(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return status < 500 ? notInKind : answer;
    throw error;
  }
  // An error: put into JSON, in which errors are read.
  const text = JSON.stringify(body, (_, value) => typeof value === "bigint" ? `${value}` : value);
  return { ...answer, body: new TextEncoder().encode(text).buffer };
}

/** Reads an answer to GetRecords. @throws {SyntaxError} when a field is missing or wrong. */
export function getRecordsOutputInCbor(bytes: Uint8Array): GetRecordsOutput {
  return getRecordsOutput(fieldsOf(decodeCbor(bytes, RECORDS_MEMBER), "an answer"), CBOR_ENCODING);
}

/** Payloads as they are, views of the answer; times in ms. */
export const CBOR_ENCODING: RecordEncoding = {
  payloadsOf(records) {
    let bytes = 0;
    const views = records.map(({ Data }) => {
      if (!(Data instanceof Uint8Array)) throw unexpected("Data", "bytes", Data);
      bytes += Data.length;
      return Data;
    });
    return { views, bytes };
  },
  timeUnitMs: 1,
};

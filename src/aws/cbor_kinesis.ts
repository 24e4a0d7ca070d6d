/**
 * Kinesis with GetRecords in CBOR (`application/x-amz-cbor-1.1`), as AWS's SDKs for Java use it. Payloads
 * arrive as bytes: a quarter fewer, with nothing to decode. All other calls stay JSON.
 *
 * It is not in the public API reference. So if a server refuses the format, or answers in a CBOR that cannot
 * be read (emulators do), the same request is sent in JSON immediately and from then on. The attempt costs
 * one call. Throttling, other errors and faults of the network are met as in JSON: they say nothing about the
 * format.
 *
 * Source: AWS SDK for Java 2, `AwsCborProtocolFactory`: times are epoch milliseconds under tag 1.
 *
 * @module
 */

import type { System } from "../system.ts";
import { fieldsOf, unexpected } from "./answer_fields.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { RECORDS_MEMBER } from "./cbor_records.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "./http_exchange.ts";
import { errorNameOf, jsonCaller, type Sent, tryJsonObject } from "./json_call.ts";
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
      const output: GetRecordsOutput | NotInKind = await this.#call<GetRecordsOutput | NotInKind>({
        operation: "GetRecords",
        input,
        decode: () => new NotInKind("an answer in JSON"),
        retry: this.#options.readRetry ?? READ_RETRY_POLICY,
        transport: { message: { contentType: CBOR_TYPE, body: encodeCbor(input) }, send: sendCbor },
        signal,
      });
      if (!(output instanceof NotInKind)) return output;
      if (this.#isUnderstood) {
        this.#isUnderstood = false;
        const text =
          `GetRecords is not answered in CBOR here: ${output.reason}. Reading in JSON from now on.`;
        this.#options.onEvent?.({ type: "notice", level: "warning", leaseKey: undefined, text });
      }
    }
    return await this.#json.getRecords(stream, shardIterator, limit, signal);
  }
}

const CBOR_TYPE = "application/x-amz-cbor-1.1";

/** Why the server cannot be read in CBOR. */
class NotInKind {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Sends GetRecords. */
async function sendCbor(
  system: System,
  request: HttpRequest,
  signal?: AbortSignal,
): Promise<Sent<GetRecordsOutput | NotInKind>> {
  const answer = await exchange(system, request, signal);
  if (!answer.answered) return answer;
  const { status, headers } = answer;
  const notInKind = (reason: string) => ({ ok: true, status, value: new NotInKind(reason) } as const);
  const bytes = new Uint8Array(answer.body);
  if (headers.get("content-type")?.split(";")[0]?.trim() !== CBOR_TYPE) {
    if (status >= 200 && status < 300) return notInKind("an answer in another format");
    // Any other error is of the service or of a proxy, and does not show what the service supports.
    return isRefusal(answer) ? notInKind(`refused with HTTP ${status}`) : answer;
  }
  let body: CborValue;
  try {
    if (status < 300) return { ok: true, status, value: getRecordsOutputInCbor(bytes) };
    body = decodeCbor(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return status < 500 ? notInKind(error.message) : answer;
    throw error;
  }
  // An error: put into JSON, in which errors are read.
  const text = JSON.stringify(body, (_, value) => typeof value === "bigint" ? `${value}` : value);
  const inJson = { ...answer, body: new TextEncoder().encode(text).buffer };
  return isRefusal(inJson) ? notInKind(`refused with HTTP ${status}`) : inJson;
}

/** Whether an error means that the server does not know the format, or cannot read the request in it. */
function isRefusal({ status, headers, body }: HttpAnswer): boolean {
  if (status === 415) return true;
  if (!UNREADABLE_STATUSES.has(status)) return false;
  const name = errorNameOf(headers, tryJsonObject(new TextDecoder().decode(body)));
  return name === undefined || UNREADABLE_ERRORS.test(name);
}

/** With these a server that knows no CBOR may answer, without naming an error. */
const UNREADABLE_STATUSES: ReadonlySet<number> = new Set([400, 404, 405, 406]);
/** What AWS's services and emulators call a request whose format they do not know. */
const UNREADABLE_ERRORS = /Serialization|UnsupportedMediaType|UnknownOperation/;

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

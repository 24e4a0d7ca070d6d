/**
 * Kinesis and DynamoDB, and PutMetricData of CloudWatch, as one function from request to answer. It is the
 * model of the simulator behind AWS's protocols, in real time. Use it for a server on any runtime or in place
 * of `fetch`. See docs/emulator.md.
 *
 * @module
 */

import { refuseUnknownNames } from "../../nearest_name.ts";
import { realSystem, type System } from "../../system.ts";
import { ITERATOR_LIFE_MS } from "../model/service_limits.ts";
import type { StreamViewType } from "../../stream/change.ts";
import { ApiError } from "./api_error.ts";
import { Input } from "./input.ts";
import { type AwsFault, AwsFaults } from "./aws_faults.ts";
import { EmulatedMetrics, type MetricDatum } from "./cloudwatch/put_metric_data.ts";
import { batchOperations } from "./dynamodb/batch_operations.ts";
import { itemOperations } from "./dynamodb/item_operations.ts";
import { listingOperations } from "./dynamodb/listing_operations.ts";
import { streamOperations } from "./dynamodb/stream_operations.ts";
import { tableOperations } from "./dynamodb/table_operations.ts";
import { EmulatedTables } from "./dynamodb/tables.ts";
import { transactionOperations } from "./dynamodb/transaction_operations.ts";
import { controlOperations } from "./kinesis/control.ts";
import { fanOutOperations } from "./kinesis/registered_consumers.ts";
import { readingOperations } from "./kinesis/reading.ts";
import { settingOperations } from "./kinesis/stream_changes.ts";
import { EmulatedStreams } from "./kinesis/emulated_streams.ts";
import { tagOperations } from "./kinesis/tags.ts";
import { writingOperations } from "./kinesis/writing.ts";
import { type Operations, StreamAnswer, Timeline } from "./operation.ts";
import { StreamControl, TableView } from "./stream_control.ts";
import { bodyOf, checkSigned, notSimulated, targetOf } from "./request_target.ts";
import {
  type AnswerFrame,
  CLOUDWATCH_WIRE,
  commonHeaders,
  DYNAMODB_STREAMS_WIRE,
  DYNAMODB_WIRE,
  errorAnswer,
  inputOf,
  KINESIS_WIRE,
  type ServiceWire,
  successAnswer,
  type WireAnswer,
} from "./wire.ts";
import { withWrongField } from "./wrong_field.ts";

/** What the emulator is made of. */
export interface SimulatedAwsOptions {
  /** The streams there are at once: how many shards each has, by name. More can be created. @default {{}} */
  readonly streams?: Readonly<Record<string, number>> | undefined;
  /**
   * The tables there are at once, by name: the attributes of their keys, which are texts, and which images
   * their streams keep. More can be created. @default {{}}
   */
  readonly tables?: Readonly<Record<string, GivenTable>> | undefined;
  /** Names the region in ARNs. Requests may be signed for any. @default {"us-east-1"} */
  readonly region?: string | undefined;
  /**
   * How long streams, tables, indexes and consumers take to be made, changed and dropped, in ms. @default
   * {100}
   */
  readonly changeMs?: number | undefined;
  /** How long a subscription to a shard lasts, in ms. @default {300000} */
  readonly subscriptionLifeMs?: number | undefined;
  /** How long a shard iterator can be used, in ms. @default 300000; for tables' streams 900000 */
  readonly iteratorLifeMs?: number | undefined;
  /** Whether a shard gives but five answers and 2 MiB a second. @default {true} */
  readonly isReadLimited?: boolean | undefined;
  /** Whether a shard takes but 1000 records and 1 MiB a second. @default {false} */
  readonly isWriteLimited?: boolean | undefined;
  /** How many shards the stream of a table has open at a time. @default {1} */
  readonly tableStreamShards?: number | undefined;
  /**
   * How long a shard of a table's stream lives, in ms; then it ends, and its child begins. AWS: about four
   * hours.
   *
   * @default {14400000}
   */
  readonly tableStreamShardLifeMs?: number | undefined;
  /**
   * How much a stream keeps, in bytes; beyond, it trims its oldest records, as it does when the retention
   * period is over. Danger: too little, and a consumer that is behind misses records.
   *
   * @default {268435456}
   */
  readonly maxStoredBytes?: number | undefined;
  /**
   * Takes what a person should know who watches: a client that cannot work with this server, and the remedy.
   * Each is said once.
   *
   * @default no listener
   */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Time and chance. @default the real ones */
  readonly system?: Pick<System, "clock" | "random"> | undefined;
}

/** A table that there is at once. */
export interface GivenTable {
  /** The attribute of the partition key, a text. */
  readonly key: string;
  /** The attribute of the sort key, a text. @default none */
  readonly sortKey?: string | undefined;
  /** Which images its stream keeps. @default no stream */
  readonly stream?: StreamViewType | undefined;
}

/** The names that there are: one that is missing here does not compile. */
const OPTIONS: Readonly<Record<keyof SimulatedAwsOptions, true>> = {
  streams: true,
  tables: true,
  region: true,
  changeMs: true,
  subscriptionLifeMs: true,
  iteratorLifeMs: true,
  isReadLimited: true,
  isWriteLimited: true,
  tableStreamShards: true,
  tableStreamShardLifeMs: true,
  maxStoredBytes: true,
  onNotice: true,
  system: true,
};

/** About how long AWS keeps a shard of a table's stream open, in ms. */
const SHARD_LIFE_MS = 14_400_000;

/** The most bytes of a request: PutRecords in base64, with something to spare. */
const MAX_REQUEST_BYTES = 16 * 1024 ** 2;

/**
 * Makes an emulator.
 *
 * @throws {RangeError} when a stream should have no shards, {@linkcode TypeError} for a name that is no
 * option.
 */
export function simulatedAws(options: SimulatedAwsOptions = {}): SimulatedAws {
  refuseUnknownNames(Object.keys(options), Object.keys(OPTIONS), { action: "Cannot make an emulator" });
  return new SimulatedAws(options);
}

/** A Kinesis and a DynamoDB in memory. */
export class SimulatedAws {
  /** What goes wrong. */
  readonly faults: AwsFaults;
  /**
   * Time and chance as the emulator has them, and its `fetch`: a worker's option `system`, if there is no
   * server.
   */
  readonly system: System;
  readonly #timeline: Timeline;
  readonly #streams: EmulatedStreams;
  readonly #tables: EmulatedTables;
  readonly #metrics: EmulatedMetrics;
  readonly #services: ReadonlyMap<ServiceWire, Operations>;
  readonly #closing = new AbortController();
  #requests = 0;

  /** `simulatedAws()` calls it. */
  constructor(options: SimulatedAwsOptions) {
    const { system = realSystem, region = "us-east-1", changeMs = 100 } = options;
    const { clock, random } = system;
    this.system = { clock, random, fetch: (input, init) => this.fetch(input, init) };
    const timeline = this.#timeline = new Timeline(clock);
    const maxStoredBytes = options.maxStoredBytes ?? 256 * 1024 ** 2;
    const streams = this.#streams = new EmulatedStreams({ timeline, region, changeMs, maxStoredBytes });
    const { tableStreamShards: shards = 1, tableStreamShardLifeMs: shardLifeMs = SHARD_LIFE_MS } = options;
    checkTableStreams(shards, shardLifeMs);
    const tables = this.#tables = new EmulatedTables({ timeline, region, changeMs, shards, shardLifeMs });
    const { subscriptionLifeMs, iteratorLifeMs = ITERATOR_LIFE_MS } = options;
    const { isReadLimited = true, isWriteLimited = false } = options;
    const metrics = this.#metrics = new EmulatedMetrics(timeline);
    this.#services = new Map<ServiceWire, Operations>([
      [KINESIS_WIRE, {
        ...controlOperations(streams),
        ...settingOperations(streams),
        ...tagOperations(streams),
        ...writingOperations({ streams, isWriteLimited }),
        ...readingOperations({ streams, isReadLimited, iteratorLifeMs }),
        ...fanOutOperations({ streams, subscriptionLifeMs, onNotice: options.onNotice }),
      }],
      [DYNAMODB_WIRE, {
        ...tableOperations(tables),
        ...itemOperations(tables),
        ...listingOperations(tables),
        ...batchOperations(tables),
        ...transactionOperations(tables),
      }],
      [DYNAMODB_STREAMS_WIRE, streamOperations(tables, options.iteratorLifeMs)],
      [CLOUDWATCH_WIRE, metrics.operations()],
    ]);
    this.faults = new AwsFaults([...this.#services.values()].flatMap((one) => Object.keys(one)), random);
    for (const [name, table] of Object.entries(options.tables ?? {})) {
      tables.create(new Input(tableInput(name, table), "json"), true);
    }
    for (const [name, shards] of Object.entries(options.streams ?? {})) {
      if (!(Number.isInteger(shards) && shards > 0)) {
        throw new RangeError(
          `Cannot make stream "${name}": expected a whole number of shards above 0: got ${shards}`,
        );
      }
      streams.create(name, shards, true);
    }
  }

  /**
   * A stream, to be moved by hand: at once, and without a signed call.
   *
   * @throws {RangeError} when there is none of this name.
   */
  stream(name: string): StreamControl {
    const stream = this.#streams.find(name);
    if (stream !== undefined) return new StreamControl(stream, this.#timeline);
    throw new RangeError(`Cannot find stream "${name}": name it in the option \`streams\`, or create it`);
  }

  /**
   * A table, to be looked at.
   *
   * @throws {RangeError} when there is none of this name.
   */
  table(name: string): TableView {
    const table = this.#tables.find(name);
    if (table !== undefined) return new TableView(table);
    throw new RangeError(`Cannot find table "${name}": a worker makes it when it starts`);
  }

  /**
   * What PutMetricData has put, in the order in which it came.
   *
   * @param namespace Of one alone. @default all
   */
  metrics(namespace?: string): readonly MetricDatum[] {
    return this.#metrics.data(namespace);
  }

  /**
   * Answers a request, as `fetch` and as a server's handler.
   *
   * @param init As `fetch` has it, for an input that is a URL. What a server passes beside a `Request` is not
   * looked at.
   */
  readonly fetch = async (input: Request | URL | string, init?: unknown): Promise<Response> => {
    if (input instanceof Request) return await this.#answer(input);
    const request = new Request(input, init as RequestInit);
    request.signal.throwIfAborted();
    return await this.#answer(request);
  };

  /** Breaks off all subscriptions and all answers that are waited for, so that a server can be shut down. */
  close(): void {
    this.#closing.abort(new TypeError("the emulator was closed"));
  }

  async #answer(request: Request): Promise<Response> {
    if (request.method !== "POST") {
      return new Response("Kinesis and DynamoDB, simulated: POST an operation.\n", { status: 404 });
    }
    const requestId = `00000000-0000-0000-0000-${String(++this.#requests).padStart(12, "0")}`;
    const { epochMs } = this.#timeline;
    let frame: AnswerFrame = { wire: KINESIS_WIRE, format: "json", operation: "", requestId, epochMs };
    try {
      const body = await bodyOf(request, MAX_REQUEST_BYTES);
      const target = targetOf(request, body);
      const { wire, format, operation = "" } = target;
      frame = { ...frame, wire, format, operation };
      checkSigned(request.headers);
      const operations = this.#services.get(wire) ?? {};
      const work = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (work === undefined) throw notSimulated(target, request);
      const input = inputOf(body, format);
      const fault = this.faults.take(operation, input.values);
      const early = await this.#before(fault, frame, request);
      if (early !== undefined) return early;
      const result = work({ input, fault, signal: this.#closing.signal, headers: request.headers });
      if (result instanceof StreamAnswer) {
        const type = "application/vnd.amazon.eventstream";
        return new Response(result.body, { headers: { ...commonHeaders(frame), "content-type": type } });
      }
      const members = fault?.type === "wrongField" ? withWrongField(result, fault) : result;
      return await this.#after(fault, successAnswer(frame, members), request);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return responseOf(errorAnswer(frame, error));
    }
  }

  /** What a fault does before the work is done. @returns the answer, when it is not done at all. */
  async #before(
    fault: AwsFault | undefined,
    frame: AnswerFrame,
    request: Request,
  ): Promise<Response | undefined> {
    const refused = (code: string, status: number, message = "Simulated by a fault.") =>
      responseOf(errorAnswer(frame, new ApiError(code, message, { status })));
    switch (fault?.type) {
      case "throttled":
        return refused(fault.code ?? "ProvisionedThroughputExceededException", 400);
      case "refused":
        return refused(fault.code, fault.status ?? 400, fault.message);
      case "internal":
        return refused(frame.wire === KINESIS_WIRE ? "InternalFailure" : "InternalServerError", 500);
      case "unavailable":
        return new Response("<html><body><h1>503 Service Unavailable</h1></body></html>", {
          status: 503,
          headers: { "content-type": "text/html" },
        });
      case "dropped":
        return broken();
      case "hanging":
        return fault.isDone === true ? undefined : await this.#wait(FOREVER_MS, request);
    }
    return undefined;
  }

  /** What a fault makes of the answer. */
  async #after(fault: AwsFault | undefined, answer: WireAnswer, request: Request): Promise<Response> {
    const { headers, body } = answer;
    switch (fault?.type) {
      case "answerLost":
        return broken();
      case "hanging":
        return await this.#wait(FOREVER_MS, request);
      case "slow":
        return await this.#wait(fault.ms, request, answer);
      case "wrongChecksum":
        return responseOf({ ...answer, headers: { ...headers, "x-amz-crc32": "1" } });
      case "truncated":
        return responseOf({ ...answer, body: body.slice(0, body.length / 2) });
    }
    return responseOf(answer);
  }

  /**
   * Answers after this many ms. If the client closes the connection, or the emulator is closed, there is no
   * answer: the connection breaks. The signal of a request is used only here, since it costs time on some
   * servers.
   */
  async #wait(ms: number, request: Request, answer?: WireAnswer): Promise<Response> {
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    try {
      await this.#timeline.clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return answer === undefined || signal.aborted ? broken() : responseOf(answer);
  }
}

/** As CreateTable takes it. */
function tableInput(
  TableName: string,
  { key, sortKey, stream }: GivenTable,
): Readonly<Record<string, unknown>> {
  const names = [key, ...(sortKey === undefined ? [] : [sortKey])];
  return {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: names.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    ...(stream === undefined ? {} : { StreamSpecification: { StreamEnabled: true, StreamViewType: stream } }),
  };
}

function checkTableStreams(shards: number, shardLifeMs: number): void {
  if (!(Number.isInteger(shards) && shards > 0 && shards <= 1000)) {
    throw new RangeError(
      `Cannot make an emulator: expected tableStreamShards from 1 to 1000: got ${shards}`,
    );
  }
  if (shardLifeMs > 0) return;
  throw new RangeError(
    `Cannot make an emulator: expected tableStreamShardLifeMs above 0: got ${shardLifeMs}`,
  );
}

/** A timer may be no longer. */
const FOREVER_MS = 2 ** 31 - 1;

function responseOf({ status, headers, body }: WireAnswer): Response {
  return new Response(body, { status, headers });
}

/** An answer whose connection breaks: a handler can break it off only after the head. */
function broken(): Response {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new TypeError("the connection was broken off")),
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "application/x-amz-json-1.1" } });
}

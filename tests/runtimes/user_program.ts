/**
 * A program as a user writes it, which names something of every entry point. It is type-checked as other people's compilers see
 * the library, with its imports put into their words: see `user_types.ts`.
 *
 * @module
 */

import {
  AwsServiceError,
  type CpuSource,
  eachRecord,
  KinesisWorker,
  type RecordProcessor,
  type WorkerEventListener,
  type WorkerOptions,
} from "../../mod.ts";
import * as commandLine from "../../cli.ts";
import { cloudWatchMetrics } from "../../src/cloudwatch/mod.ts";
import {
  assumeRoleCredentials,
  cachedCredentials,
  defaultCredentials,
  endpointsFromEnvironment,
  webIdentityCredentials,
} from "../../src/credentials/mod.ts";
import { eachDecoded, json, type StandardSchemaV1 } from "../../src/decode/mod.ts";
import { tableStreams, unmarshall } from "../../src/dynamodb_streams/mod.ts";
import { glue } from "../../src/glue/mod.ts";
import { EdgeWorker, fetchHandler, type SliceOptions } from "../../src/edge/mod.ts";
import { deadLetter, functionSink, park, PartialFailure, sqsSink } from "../../src/failures/mod.ts";
import { fileSink } from "../../src/failures/file/mod.ts";
import { fromLambdaHandler, type KinesisEvent } from "../../src/lambda/mod.ts";
import { healthApp, Totals } from "../../src/health/mod.ts";
import { jsonField, type OtelListener, otelListener } from "../../src/otel/mod.ts";
import { KinesisProducer } from "../../src/producer/mod.ts";
import { pooled, type SqlSink, sqlSink } from "../../src/sql/mod.ts";
import { simulate, simulatedAws } from "../../src/testing/mod.ts";
import { marshall, TransactionRefusedError, type TransactWrite } from "../../src/transact/mod.ts";

const processor = (): RecordProcessor => ({
  async processRecords({ records }, context) {
    for (const record of records) console.log(record.partitionKey, record.data.length);
    await context.checkpoint();
  },
  shardEnded: (context) => context.checkpoint(),
});
const totals = new Totals();
const onEvent: WorkerEventListener = (event) => totals.listener(event);
const cpuUtilization: CpuSource = () => Promise.resolve(undefined);

/** What a worker of this program is told. */
export function options(): WorkerOptions {
  return {
    applicationName: "app",
    streamName: "words",
    region: "eu-central-1",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    system: simulatedAws({ streams: { words: 1 } }).system,
    processor,
    cpuUtilization,
    onEvent,
  };
}

/** Takes numbers, and what a registry knows. */
export function typed(schema: StandardSchemaV1<unknown, number>): readonly WorkerOptions[] {
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  const numbers = eachDecoded({ decoder: json(), schema }, (value) => value.toFixed());
  const orders = eachDecoded({ decoder: glue({ region: "eu-central-1", credentials }) }, (value) => value);
  return [{ ...options(), processor: numbers }, { ...options(), processor: orders }];
}

/** Reads the changes of a table. */
export function changes(): WorkerOptions {
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  return {
    ...options(),
    kinesis: tableStreams({ region: "eu-central-1", credentials }),
    processor: eachRecord(({ change }) => {
      if (change?.type === "INSERT") console.log(unmarshall(change.newImage ?? change.keys));
    }),
  };
}

/** Puts two records of a key, one after the other. */
export async function produced(): Promise<void> {
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  const { system } = simulatedAws({ streams: { words: 1 } });
  const producer = new KinesisProducer({ streamName: "words", region: "eu-central-1", credentials, system });
  await producer.putAll(
    ["one", "two"].map((text) => ({ partitionKey: "a", data: new TextEncoder().encode(text) })),
  );
}

/** Stores a batch's results with its checkpoint. */
export function transacting(): RecordProcessor {
  return {
    async processRecords({ records }, context) {
      const writes = records.map(({ sequenceNumber: id }): TransactWrite => ({
        Put: { TableName: "results", Item: marshall({ id }) },
      }));
      try {
        await context.transact(writes, { at: records.at(-1) });
      } catch (error) {
        if (!(error instanceof TransactionRefusedError)) throw error;
        console.log(error.refusals.map(({ code }) => code));
      }
    },
    shardEnded: (context) => context.transact([]),
  };
}

/** Metrics of a worker in CloudWatch. */
export async function measured(): Promise<void> {
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  await using metrics = cloudWatchMetrics({ applicationName: "app", region: "eu-central-1", credentials });
  await new KinesisWorker({ ...options(), onEvent: metrics.listener }).run(AbortSignal.timeout(1));
}

/** OpenTelemetry around a worker. */
export function traced(): OtelListener {
  const otel = otelListener({ traceContext: jsonField("traceparent"), shardMetrics: true });
  new KinesisWorker({ ...options(), processor: otel.around(processor), onEvent: otel.onEvent });
  return otel;
}

/** The types of AWS's SDK for JavaScript 3, as `@aws-sdk/types` and `@smithy/types` have them. */
interface AwsCredentialIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
  readonly credentialScope?: string;
  readonly accountId?: string;
}
interface AwsIdentityProperties {
  callerClientConfig?: { region(): Promise<string>; profile?: string };
}
declare const fromSSO: () => (properties?: AwsIdentityProperties) => Promise<AwsCredentialIdentity>;
declare const fromEnv: () => (properties?: Record<string, unknown>) => Promise<AwsCredentialIdentity>;
declare const fromNodeProviderChain: () => (
  options?: AwsIdentityProperties & { forceRefresh?: boolean },
) => Promise<AwsCredentialIdentity>;

/** Each way to give credentials. */
export async function waysToGiveCredentials(): Promise<readonly WorkerOptions[]> {
  const region = "eu-central-1";
  const ways: readonly WorkerOptions["credentials"][] = [
    fromSSO(),
    fromEnv(),
    fromNodeProviderChain(),
    await fromSSO()(),
    async (signal) => {
      signal?.throwIfAborted();
      return await fromEnv()();
    },
    defaultCredentials({ region }),
    assumeRoleCredentials({ roleArn: "arn:aws:iam::123456789012:role/r", base: fromSSO(), region }),
    webIdentityCredentials({ roleArn: "arn:aws:iam::123456789012:role/r", token: () => "token" }),
    cachedCredentials(fromNodeProviderChain()),
  ];
  const endpoints = await endpointsFromEnvironment({ region });
  return ways.map((credentials) => ({
    ...options(),
    ...endpoints,
    credentials,
    dynamoDBCredentials: fromSSO(),
  }));
}

/** Each way to deal with records that fail. */
export function waysToFail(): readonly WorkerOptions[] {
  const sinks = [
    fileSink("dead.jsonl"),
    sqsSink("arn:aws:sqs:eu-central-1:123456789012:dead", { groupBy: "shard" }),
    functionSink((letter) => Promise.resolve(console.log(letter.condition))),
  ];
  const handler = fromLambdaHandler(
    ({ Records }: KinesisEvent, { awsRequestId }) => {
      console.log(awsRequestId);
      return Promise.resolve({
        batchItemFailures: Records.map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })),
      });
    },
  );
  const partly: RecordProcessor = {
    ...processor(),
    processRecords({ records }) {
      throw new PartialFailure(records.slice(-1));
    },
  };
  return sinks.map((sink, index) => ({
    ...options(),
    processor: index === 0 ? handler : () => partly,
    concurrency: { perShard: 2, order: "key" },
    errors: {
      partial: true,
      retry: { attempts: 1, maxAgeMs: 60_000 },
      onExhausted: index === 0 ? deadLetter(sink) : park({ then: deadLetter(sink) }),
    },
  }));
}

/** Everything that a user may start. */
export async function main(signal: AbortSignal): Promise<readonly unknown[]> {
  try {
    await new KinesisWorker(options()).run(signal);
  } catch (error) {
    if (error instanceof AwsServiceError) console.log(error.code);
  }
  const slice: SliceOptions = { budgetMs: 20_000, signal };
  const worker = new EdgeWorker({ ...options(), processor, leases: "solo", workerIdentifier: "w" });
  const handle = fetchHandler(worker, { secret: "0123456789abcdef", slice });
  const { outcome, nextInMs } = await worker.runSlice(slice);
  const { violation } = await simulate({ seed: 1, processor });
  return [violation, healthApp(totals).fetch, commandLine, handle, outcome, nextInMs];
}

/** A database that needs a pool. */
export function sinkOf(connection: {
  query(text: string, params?: string[]): Promise<unknown>;
  release(): void;
}): SqlSink<typeof connection> {
  return sqlSink({
    begin: pooled(async () => connection),
    query: (tx: typeof connection, text, params) => tx.query(text, params),
  }, { table: "positions", applicationName: "app" });
}

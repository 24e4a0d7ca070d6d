/**
 * A program as a user writes it, which names something of every entry point. It is type-checked as other people's compilers see
 * the library, with its imports put into their words: see `user_types.ts`.
 *
 * @module
 */

import {
  AwsServiceError,
  type CpuSource,
  KinesisWorker,
  type RecordProcessor,
  type WorkerEventListener,
  type WorkerOptions,
} from "../../mod.ts";
import * as commandLine from "../../cli.ts";
import { healthApp, Totals } from "../../src/observe/health.ts";
import { simulate, simulatedAws } from "../../src/testing/mod.ts";

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

/** Everything that a user may start. */
export async function main(signal: AbortSignal): Promise<readonly unknown[]> {
  try {
    await new KinesisWorker(options()).run(signal);
  } catch (error) {
    if (error instanceof AwsServiceError) console.log(error.code);
  }
  const { violation } = await simulate({ seed: 1, processor });
  return [violation, healthApp(totals).fetch, commandLine];
}

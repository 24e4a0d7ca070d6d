/** A worker on an emulator, with the OpenTelemetry that Deno brings. */

import { KinesisWorker } from "../../../mod.ts";
import { otelListener } from "../../../src/otel/mod.ts";
import { simulatedAws } from "../../../src/testing/mod.ts";

const aws = simulatedAws({ streams: { words: 1 } });
aws.stream("words").put("one");
const stop = new AbortController();
const otel = otelListener({ shardMetrics: true });
const worker = new KinesisWorker({
  applicationName: "word-count",
  streamName: "words",
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  initialPositionInStream: "TRIM_HORIZON",
  retrievalMode: "POLLING",
  system: aws.system,
  processor: otel.around(() => ({
    async processRecords(_, context) {
      await context.checkpoint();
      stop.abort();
    },
    shardEnded: (context) => context.checkpoint(),
  })),
  onEvent: otel.onEvent,
});
await worker.run(stop.signal);

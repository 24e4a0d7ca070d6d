/**
 * A worker of kclite that prints the same lines as the Java worker beside it (`Told.java`). The arguments are the worker's
 * options as JSON, without the processor, and where its metrics go, if anywhere. SIGTERM is the orderly stop. SIGUSR2 takes the last of many streams off the list.
 *
 * @module
 */

import { KinesisWorker, type StreamList } from "../../../mod.ts";
import { cloudWatchMetrics } from "../../../src/cloudwatch/mod.ts";
import { notingProcessor, teller, troubleListener } from "./telling.ts";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const tell = teller(options.workerIdentifier);
  const [, endpoint] = Deno.args;
  const { applicationName, region, credentials } = options;
  const metrics = endpoint === undefined
    ? undefined
    : cloudWatchMetrics({ applicationName, region, credentials, endpoint, metricsBufferTimeMs: 1000 });
  const tellTrouble = troubleListener(tell);
  const streams: StreamList | undefined = options.streams;
  let listed = streams ?? [];
  Deno.addSignalListener("SIGUSR2", () => void (listed = listed.slice(0, -1)));
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  await new KinesisWorker({
    log: false,
    ...options,
    ...(streams === undefined ? {} : { streams: () => listed }),
    processor: notingProcessor(tell),
    onEvent(event) {
      if (event.type === "workerReady") tell("STARTED", null, null);
      tellTrouble(event);
      metrics?.listener(event);
    },
  }).run(stop.signal);
  await metrics?.close();
  Deno.exit(0);
}

/**
 * A worker of kclite that prints the same lines as the Java worker beside it (`Told.java`). The arguments are the worker's
 * options as JSON, without the processor, and where its metrics go, if anywhere. SIGTERM is the orderly stop. SIGUSR2 takes the last of many streams off the list.
 *
 * @module
 */

import { KinesisWorker, type StreamList } from "../../../mod.ts";
import { MetricPoints } from "../../../src/cloudwatch/metric_points.ts";
import { realClock } from "../../../src/system.ts";
import { MetricsSender } from "./metrics_sender.ts";
import { notingProcessor, teller, troubleListener } from "./telling.ts";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}");
  const tell = teller(options.workerIdentifier);
  const { workerIdentifier, applicationName } = options;
  const cloudwatch = Deno.args[1];
  const sender = new MetricsSender();
  const isMultiStream = options.streams !== undefined;
  const points = new MetricPoints({ workerIdentifier, isMultiStream, clock: realClock }, sender.sink);
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
      if (cloudwatch !== undefined) points.listener(event);
    },
  }).run(stop.signal);
  if (cloudwatch !== undefined) await sender.send(cloudwatch, applicationName);
  Deno.exit(0);
}

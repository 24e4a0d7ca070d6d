/**
 * Stands in for the metrics of a worker until they are there.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import type { MetricSink } from "./metric_point.ts";

/** Metrics of one worker. */
export class MetricPoints {
  readonly listener: WorkerEventListener;

  constructor(
    { workerIdentifier }: { readonly workerIdentifier: string; readonly isMultiStream: boolean },
    sink: MetricSink,
  ) {
    this.listener = (event: WorkerEvent) => {
      if (event.type !== "leaseRenewed") return;
      sink({
        name: "RenewLease.Success",
        unit: "Count",
        importance: "DETAILED",
        dimensions: { Operation: "RenewAllLeases", WorkerIdentifier: workerIdentifier },
        value: 1,
      });
    };
  }
}

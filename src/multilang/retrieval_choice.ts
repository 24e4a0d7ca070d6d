// Pure.
/**
 * How the shards are read: the one place that knows which ways are served.
 *
 * Source: KCL 3.5.1, `RetrievalMode` and `MultiLangDaemonConfiguration`.
 *
 * @module
 */

import type { Settings } from "./property.ts";

/** The properties of which any makes KCL poll. Each is used by polling alone. */
export const POLLING_PROPERTIES: readonly string[] = [
  "maxRecords",
  "idleTimeBetweenReadsInMillis",
  "millisBehindLatestThresholdForReducedTps",
  "retryGetRecordsInSeconds",
  "maxGetRecordsThreadPool",
];

/** How the shards are read, and a word for the operator where KCL would do otherwise. */
export interface RetrievalChoice {
  readonly mode: "POLLING";
  readonly warning: string | undefined;
}

/**
 * Chooses.
 *
 * @param hasPollingProperty Whether one of {@linkcode POLLING_PROPERTIES} is set to something but 0.
 */
export function retrievalChoice(
  mode: Settings["retrievalMode"] = "DEFAULT",
  hasPollingProperty: boolean,
): RetrievalChoice {
  switch (mode) {
    case "POLLING":
      return { mode: "POLLING", warning: undefined };
    case "FANOUT":
      return {
        mode: "POLLING",
        warning: "retrievalMode is FANOUT, but enhanced fan-out is not served yet: the shards are polled",
      };
    case "DEFAULT":
      return {
        mode: "POLLING",
        warning: hasPollingProperty
          ? undefined
          : "KCL would use enhanced fan-out here, which costs extra; kclite polls: " +
            "set retrievalMode = POLLING to have both do the same",
      };
  }
}

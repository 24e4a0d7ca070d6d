// Pure.
/**
 * How the properties say that the shards are read: KCL's rule, with its surprise told.
 *
 * Source: KCL 3.5.1, `RetrievalMode` and `MultiLangDaemonConfiguration`.
 *
 * @module
 */

import { retrievalModeOf } from "./retrieval_mode.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { Settings } from "./property.ts";

/** The properties of which any makes KCL poll. Each is used by polling alone. */
export const POLLING_PROPERTIES: readonly string[] = [
  "maxRecords",
  "idleTimeBetweenReadsInMillis",
  "millisBehindLatestThresholdForReducedTps",
  "retryGetRecordsInSeconds",
  "maxGetRecordsThreadPool",
];

/** How the shards are read, and a sentence for the log that says why, and what it costs. */
export interface RetrievalChoice {
  readonly mode: NonNullable<WorkerOptions["retrievalMode"]>;
  /** A warning where nobody asked for what costs money. */
  readonly level: "info" | "warning";
  readonly reason: string;
}

/**
 * Chooses.
 *
 * @param given The value of each property that counts, by name.
 */
export function retrievalChoice(
  retrievalMode: Settings["retrievalMode"],
  given: ReadonlyMap<string, unknown>,
): RetrievalChoice {
  const pollingOptions = Object.fromEntries(
    POLLING_PROPERTIES.map((name) => {
      const value = given.get(name);
      return [name, typeof value === "number" ? value : undefined];
    }),
  );
  const { mode, reason } = retrievalModeOf({ retrievalMode, pollingOptions });
  const isSurprise = mode === "fanOut" && retrievalMode !== "FANOUT";
  return {
    mode: mode === "fanOut" ? "FANOUT" : "POLLING",
    level: isSurprise ? "warning" : "info",
    reason,
  };
}

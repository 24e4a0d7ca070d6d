// Pure.
/**
 * Decides how the shards are read: by enhanced fan-out, as KCL does unless told otherwise, or by polling.
 *
 * What surprises people is the default: with nothing set, a consumer is registered that costs money. So the
 * choice comes with words for the log.
 *
 * Source: KCL 3.5.1, `RetrievalMode` and `MultiLangDaemonConfiguration`.
 *
 * @module
 */

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
 * KCL's rule: what is asked for; by default polling if any property of polling is set, else enhanced fan-out.
 *
 * @param retrievalMode Undefined: `DEFAULT`.
 * @param given The value of each property that counts, by name. 0 counts as not set.
 */
export function retrievalChoice(
  retrievalMode: Settings["retrievalMode"],
  given: ReadonlyMap<string, unknown>,
): RetrievalChoice {
  const polling = POLLING_PROPERTIES.filter((name) => {
    const value = given.get(name);
    return typeof value === "number" && value !== 0;
  }).join(", ");
  switch (retrievalMode) {
    case "POLLING":
      return { mode: "POLLING", level: "info", reason: "Reading by polling, as retrievalMode says." };
    case "FANOUT":
      return {
        mode: "FANOUT",
        level: "info",
        reason: `Reading by enhanced fan-out, as retrievalMode says${
          polling === "" ? "" : `; ${polling} has no effect`
        }. ${COST}`,
      };
    case "DEFAULT":
    case undefined:
      if (polling !== "") {
        return { mode: "POLLING", level: "info", reason: `Reading by polling, since ${polling} is set.` };
      }
      return {
        mode: "FANOUT",
        level: "warning",
        reason: "Reading by enhanced fan-out, KCL's default when no option of polling is set: " +
          `set retrievalMode to POLLING to read without. ${COST}`,
      };
  }
}

/** Source: the pricing page of Kinesis Data Streams. */
const COST = "AWS charges for the registered consumer, by the hour for each shard and by the gigabyte.";

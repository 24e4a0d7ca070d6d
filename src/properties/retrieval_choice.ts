// Pure.
/**
 * Decides how the shards are read: by enhanced fan-out, which is KCL's default, or by polling.
 *
 * The default surprises people: if nothing is set, a consumer is registered that costs money. So the choice
 * has a text for the log.
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

/** How the shards are read, and a sentence for the log with the reason and the cost. */
export interface RetrievalChoice {
  readonly mode: NonNullable<WorkerOptions["retrievalMode"]>;
  /** A warning if the choice costs money and was not made explicitly. */
  readonly level: "info" | "warning";
  readonly reason: string;
}

/**
 * KCL's rule: the mode that is set; by default polling if any property of polling is set, else enhanced
 * fan-out.
 *
 * @param retrievalMode Undefined: `DEFAULT`.
 * @param given The value of each property that counts, by name. 0 counts as not set.
 * @param areAllOfTables Whether only streams of DynamoDB's tables are read: these can only be polled.
 */
export function retrievalChoice(
  retrievalMode: Settings["retrievalMode"],
  given: ReadonlyMap<string, unknown>,
  areAllOfTables = false,
): RetrievalChoice {
  if (areAllOfTables) {
    return {
      mode: "POLLING",
      level: retrievalMode === "FANOUT" ? "warning" : "info",
      reason: "Reading by polling: the streams of DynamoDB's tables have no enhanced fan-out.",
    };
  }
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

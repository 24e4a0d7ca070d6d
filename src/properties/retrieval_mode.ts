// Pure.
/**
 * Decides how a stream is read: by enhanced fan-out, as KCL does unless told otherwise, or by polling.
 *
 * What surprises people is the default: with nothing set, a consumer is registered that costs money. So the choice
 * comes with words for the log.
 *
 * Source: KCL 3.5.1, `RetrievalMode` and `MultiLangDaemonConfiguration`.
 *
 * @module
 */

/** What a user can ask for. KCL: `retrievalMode`. */
export type RetrievalMode = "DEFAULT" | "FANOUT" | "POLLING";

/** What the decision is made from. */
export interface RetrievalModeQuestion {
  /** Undefined: `DEFAULT`. */
  readonly retrievalMode: RetrievalMode | undefined;
  /** What the user has set of the options that concern polling alone, by the names that the user knows; 0 counts as not set. */
  readonly pollingOptions: Readonly<Record<string, number | undefined>>;
}

/** How a stream is read, and why. */
export interface RetrievalModeDecision {
  readonly mode: "fanOut" | "polling";
  /** One sentence for the log. */
  readonly reason: string;
}

/** KCL's rule: what is asked for; by default polling if any option of polling is set, else enhanced fan-out. */
export function retrievalModeOf(question: RetrievalModeQuestion): RetrievalModeDecision {
  const set = Object.entries(question.pollingOptions).filter(([, value]) =>
    value !== undefined && value !== 0
  );
  const polling = set.map(([name]) => name).join(", ");
  switch (question.retrievalMode) {
    case "POLLING":
      return { mode: "polling", reason: "Reading by polling, as retrievalMode says." };
    case "FANOUT":
      return {
        mode: "fanOut",
        reason: `Reading by enhanced fan-out, as retrievalMode says${
          polling === "" ? "" : `; ${polling} has no effect`
        }. ${COST}`,
      };
    case "DEFAULT":
    case undefined:
      if (polling !== "") return { mode: "polling", reason: `Reading by polling, since ${polling} is set.` };
      return {
        mode: "fanOut",
        reason: "Reading by enhanced fan-out, KCL's default when no option of polling is set: " +
          `set retrievalMode to POLLING to read without. ${COST}`,
      };
  }
}

/** Source: the pricing page of Kinesis Data Streams. */
const COST = "AWS charges for the registered consumer, by the hour for each shard and by the gigabyte.";

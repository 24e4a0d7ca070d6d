/**
 * Enhanced fan-out as an option, so that a bundle without it does not carry it.
 *
 * @module
 */

import { signedKinesisConsumers } from "../aws/kinesis_consumers.ts";
import { fanOutReading } from "../worker/shard_reading.ts";

/** What reads shards by enhanced fan-out. What is in it is ours alone. */
export interface EnhancedFanOut {
  /** Its kind. */
  readonly type: "enhancedFanOut";
}

/** What is in it. */
export interface FanOutParts extends EnhancedFanOut {
  readonly signedKinesisConsumers: typeof signedKinesisConsumers;
  readonly reading: typeof fanOutReading;
}

const parts: FanOutParts = { type: "enhancedFanOut", signedKinesisConsumers, reading: fanOutReading };

/** The option `fanOut` of an `EdgeWorker`: set it where `retrievalMode` is "FANOUT". */
export const enhancedFanOut: EnhancedFanOut = parts;

// Pure.
/**
 * What a picture of the fleet is made of.
 *
 * @module
 */

import type { Snapshot } from "../../observe/totals.ts";
import type { Health, HealthLimits } from "../../observe/verdict.ts";
import type { Series } from "./fleet_picture.ts";
import type { FleetSight } from "./seen_fleet.ts";

/** All of it. */
export interface PictureFacts {
  readonly snapshot: Snapshot;
  readonly health: Health;
  readonly limits: Pick<HealthLimits, "dataLossLimitMs">;
  readonly region: string | undefined;
  readonly sight: FleetSight;
  /** What the looks have shown of other workers' shards. */
  readonly others: PictureHistory;
}

/** What was seen over the last hour. */
export interface PictureHistory {
  lagOf(leaseKey: string): Series;
  largestLag(): Series;
  recordsPerSecond(): Series;
}

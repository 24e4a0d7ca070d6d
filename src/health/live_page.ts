/**
 * The page of one health app: as a document for a browser that asks, and as what changes for those that
 * listen.
 *
 * @module
 */

import { heldShards } from "../observe/shard_totals.ts";
import type { Snapshot } from "../observe/totals.ts";
import { type HealthLimits, healthOf } from "../observe/verdict.ts";
import { realClock } from "../system.ts";
import { EventStreams } from "./event_streams.ts";
import type { Fleet } from "./shown_fleet.ts";
import { OthersHistory } from "./others_history.ts";
import { pageHtml, pageParts, pageUpdate } from "./page/fleet_page.ts";
import type { FleetPicture } from "./page/fleet_picture.ts";
import type { PageView } from "./page/page_view.ts";
import { pictureOf } from "./page/picture.ts";

/** What a page shows. */
export interface LivePageOptions {
  readonly totals: { snapshot(): Snapshot };
  readonly limits: HealthLimits;
  /** Undefined: the worker alone. */
  readonly fleet: Fleet | undefined;
}

/** See the module. */
export class LivePage {
  readonly #options: LivePageOptions;
  readonly #streams: EventStreams<PageView>;
  readonly #others = new OthersHistory();
  /** What all that is made in this turn of the event loop shows. */
  #now: { readonly snapshot: Snapshot; readonly picture: FleetPicture } | undefined;

  constructor(options: LivePageOptions) {
    this.#options = options;
    const { fleet } = options;
    this.#streams = new EventStreams({
      clock: fleet?.clock ?? realClock,
      partsOf: (view) => pageParts(this.#seen().picture, view),
      updateOf: pageUpdate,
      onWatched: () => fleet?.watch.watch() ?? (() => {}),
      isOver: () => this.#seen().snapshot.worker.phase === "stopped",
    });
  }

  /** The document. */
  async html(view: PageView): Promise<string> {
    await this.#options.fleet?.watch.glance();
    return pageHtml(this.#seen().picture, view);
  }

  /** The body of an answer to a browser that listens. Undefined: too many do. */
  events(view: PageView): ReadableStream<Uint8Array> | undefined {
    return this.#streams.open(view);
  }

  #seen(): { readonly snapshot: Snapshot; readonly picture: FleetPicture } {
    if (this.#now !== undefined) return this.#now;
    const { totals, limits, fleet } = this.#options;
    const snapshot = totals.snapshot();
    const sight = fleet?.watch.sight ?? { type: "own" };
    if (sight.type === "read") {
      const held = new Set(heldShards(snapshot.shards).map(({ leaseKey }) => leaseKey));
      this.#others.note(sight.fleet, held);
    }
    const picture = pictureOf({
      snapshot,
      health: healthOf(snapshot, limits),
      limits,
      region: fleet?.region,
      sight,
      others: this.#others.at(snapshot.atMs),
    });
    queueMicrotask(() => this.#now = undefined);
    return this.#now = { snapshot, picture };
  }
}

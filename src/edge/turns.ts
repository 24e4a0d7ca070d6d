/**
 * Whose turn it is to fetch. Each shard gets one fetch before any gets its second, the shard that is furthest
 * behind first. A shard that is busy with its records holds nobody up.
 *
 * @module
 */

import { unlessAborted } from "../async/waiting.ts";
import type { Clock } from "../system.ts";

/** What turns go by. */
export interface TurnsOptions {
  readonly clock: Clock;
  /** Monotonic ms from which nothing is fetched any more. */
  readonly untilMs: number;
  /** How many may fetch at the same time. */
  readonly slots: number;
  /** The most bytes in memory; one page is always allowed. */
  readonly maxBufferedBytes: number;
  /** Called when a shard asks for a turn and there are no more: it is to be left. */
  readonly onDenied: (leaseKey: string) => void;
}

/** How a shard stands. */
interface Place {
  fetches: number;
  /** How far behind it was found, in ms; unknown is the furthest. */
  behindMs: number;
  state: "expected" | "waiting" | "fetching" | "delivering";
  bytes: number;
  grant: () => void;
}

/** The answer to a GetRecords has at most this many bytes. Kinesis API reference: 10 MiB. */
const MAX_PAGE_BYTES = 10_485_760;
/** How long shards wait for one that has not had its first fetch, in ms: its processor may hang. Ours. */
const FIRST_TURN_WAIT_MS = 2000;

/** See the module. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #places = new Map<string, Place>();
  readonly #patientUntilMs: number;
  #isClosed = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#patientUntilMs = options.clock.monotonicMs() + FIRST_TURN_WAIT_MS;
  }

  /** Whether a shard has records that its processor has not finished, or fetches some. */
  isBusy(leaseKey: string): boolean {
    const state = this.#places.get(leaseKey)?.state;
    return state === "fetching" || state === "delivering";
  }

  /** A shard that will be read. */
  expect(leaseKey: string): void {
    if (this.#places.has(leaseKey)) return;
    this.#places.set(leaseKey, {
      fetches: 0,
      behindMs: Infinity,
      state: "expected",
      bytes: 0,
      grant: () => {},
    });
  }

  /** Resolves when the shard may fetch. @throws the signal's reason. */
  async next(leaseKey: string, signal: AbortSignal): Promise<void> {
    this.expect(leaseKey);
    const place = this.#place(leaseKey);
    const granted = new Promise<void>((resolve) => place.grant = resolve);
    place.state = "waiting";
    place.bytes = 0;
    this.#isClosed ||= this.#options.clock.monotonicMs() >= this.#options.untilMs;
    if (this.#isClosed) this.#options.onDenied(leaseKey);
    else this.#grantAll();
    const over = new AbortController();
    const impatience = this.#wakeImpatient(AbortSignal.any([signal, over.signal]));
    try {
      await unlessAborted(granted, signal);
    } finally {
      over.abort();
      await impatience;
    }
  }

  /** The shard's fetch is over. */
  fetched(leaseKey: string, page: { readonly bytes: number; readonly behindMs: number | undefined }): void {
    const place = this.#place(leaseKey);
    place.state = "delivering";
    place.bytes = page.bytes;
    place.behindMs = page.behindMs ?? Infinity;
    this.#grantAll();
  }

  /** The shard is not read any more. */
  left(leaseKey: string): void {
    if (this.#places.delete(leaseKey)) this.#grantAll();
  }

  /** No more turns: each shard is denied now, or when it asks. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const [leaseKey, { state }] of [...this.#places]) {
      if (state === "waiting" || state === "expected") this.#options.onDenied(leaseKey);
    }
  }

  #place(leaseKey: string): Place {
    this.expect(leaseKey);
    const place = this.#places.get(leaseKey);
    if (place === undefined) throw new Error(`Cannot give shard ${leaseKey} a turn: it is not expected`);
    return place;
  }

  #grantAll(): void {
    for (let best = this.#best(); best !== undefined && this.#hasRoom(); best = this.#best()) {
      best.state = "fetching";
      best.fetches++;
      best.grant();
    }
  }

  #best(): Place | undefined {
    if (this.#isClosed) return undefined;
    const places = [...this.#places.values()];
    const [best] = places.filter(({ state }) => state === "waiting")
      .toSorted((a, b) => a.fetches - b.fetches || (a.behindMs === b.behindMs ? 0 : b.behindMs - a.behindMs));
    if (best === undefined || best.fetches === 0) return best;
    const isFirstMissing = places.some(({ fetches, state }) => fetches === 0 && state === "expected");
    return isFirstMissing && this.#options.clock.monotonicMs() < this.#patientUntilMs ? undefined : best;
  }

  #hasRoom(): boolean {
    const places = [...this.#places.values()];
    const fetching = places.filter(({ state }) => state === "fetching").length;
    const bytes = places.reduce((sum, place) => sum + place.bytes, fetching * MAX_PAGE_BYTES);
    if (fetching === 0 && bytes === 0) return true;
    return fetching < this.#options.slots && bytes + MAX_PAGE_BYTES <= this.#options.maxBufferedBytes;
  }

  async #wakeImpatient(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const waitMs = this.#patientUntilMs - clock.monotonicMs();
    if (waitMs <= 0) return;
    try {
      await clock.sleep(waitMs, signal);
      this.#grantAll();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/**
 * The streams that a worker reads, as the service knows them: one, or many that may change while it runs.
 *
 * With many streams a lease may belong to a stream that this worker does not know. Another worker's list may
 * be longer or of another release. Or the stream is no longer listed, but its leases are still there. It is
 * read nevertheless, as in KCL: its name and account are in the lease. A stream that was deleted and created
 * again under its name is not read under its old leases. The shard ids and sequence numbers of the old stream
 * would be taken for those of the new one.
 *
 * Source: KCL 3.5.1, `Scheduler.checkAndSyncStreamShardsAndLeases`, `MultiStreamTracker`.
 *
 * @module
 */

import { SharedTask } from "../async/shared_task.ts";
import { parseStreamArn, streamArnOf } from "../aws/endpoint.ts";
import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import { errorKind, errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import {
  areIncarnations,
  identifierText,
  NO_ACCOUNT_ID,
  parseIdentifier,
  type StreamIdentifier,
  type StreamOrigin,
} from "../stream/stream_identifier.ts";
import type { Clock } from "../system.ts";
import type { FindingSettings } from "../options/setting_groups.ts";
import type { StreamConfig } from "../options/stream_options.ts";
import { arnParts, describedStream } from "./stream_search.ts";
import { checkConsumer, streamConfigs } from "../options/stream_settings.ts";

/** A stream that is read. */
export interface TrackedStream {
  /** `account:stream:epoch`; undefined when the worker reads one stream alone. */
  readonly streamIdentifier: string | undefined;
  /** With the ARN that the service reported, if it reports one. */
  readonly reference: StreamReference;
  readonly initialPosition: InitialPosition;
  readonly consumerArn: string | undefined;
  /**
   * In whole seconds since 1970, as the service reported; undefined if it was not asked or does not report
   * it.
   */
  readonly creationEpochS?: number | undefined;
  /** How long it keeps records; undefined if the service was not asked or does not report it. */
  readonly retentionMs?: number | undefined;
}

/** The stream as leases name it; undefined if its creation time is not known. */
export function originOfStream(
  { reference: { streamName }, creationEpochS }: TrackedStream,
): StreamOrigin | undefined {
  return creationEpochS === undefined ? undefined : { streamName, creationEpochS };
}

/** What finding streams needs. */
export interface StreamsOptions {
  readonly finding: FindingSettings;
  readonly kinesis: Kinesis;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/**
 * An unknown stream makes the worker list the streams once more, but not within this many ms of the last
 * listing.
 */
const RELIST_INTERVAL_MS = 10_000;

/** See the module. */
export class Streams {
  readonly #options: StreamsOptions;
  /** The streams that were found, by what was searched for. */
  readonly #found = new Map<string, TrackedStream>();
  /** By identifier; "" is the key of the one stream of a worker that reads no other. */
  #tracked: ReadonlyMap<string, TrackedStream> = new Map();
  /** Streams that were tracked once, and others that leases name. */
  readonly #others = new Map<string, TrackedStream>();
  readonly #toldUnreadable = new Set<string>();
  readonly #missing = new Map<string, string>();
  #sought: ReadonlySet<string> = new Set();
  #listedMs: number | undefined;
  #hasRelistFailed = false;
  readonly #relisting: SharedTask<void> = new SharedTask((abandoned) => this.#relist(abandoned));

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** The streams that need a complete set of leases. */
  get tracked(): readonly TrackedStream[] {
    return [...this.#tracked.values()];
  }

  /** Whether a lease is of a stream that is tracked. */
  isTracked(leaseKey: string): boolean {
    return this.tracked.some(({ streamIdentifier }) =>
      streamIdentifier === undefined || leaseKey.startsWith(`${streamIdentifier}:`)
    );
  }

  /** The names of streams that are listed and cannot be found now: they are no former streams. */
  get sought(): ReadonlySet<string> {
    return this.#sought;
  }

  /**
   * Finds the streams for the first time.
   *
   * @throws what kept the one stream, or all of many, from being found.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { streams: wanted, initialPosition } = this.#options.finding;
    if (wanted.mode === "many") return await this.#list(true, signal);
    const { stream, consumerArn } = wanted;
    const found = await describedStream(stream, this.#options, signal);
    checkConsumer(consumerArn, arnParts(stream.streamName, stream.streamArn ?? found.streamArn));
    this.#tracked = new Map([["", {
      streamIdentifier: undefined,
      reference: { streamName: stream.streamName, streamArn: stream.streamArn ?? found.streamArn },
      initialPosition,
      consumerArn,
      creationEpochS: found.creationEpochS,
    }]]);
    this.#tellRetention(undefined, found.retentionMs);
  }

  /** Takes the one stream as an earlier process found it, in place of {@linkcode start}. */
  restore(stream: Pick<TrackedStream, "creationEpochS"> & { readonly streamArn: string | undefined }): void {
    const { streams: wanted, initialPosition } = this.#options.finding;
    if (wanted.mode === "many") throw new TypeError("Cannot restore streams: expected one: got many");
    const { stream: { streamName, streamArn = stream.streamArn }, consumerArn } = wanted;
    const { creationEpochS } = stream;
    const reference = { streamName, streamArn };
    this.#tracked = new Map([["", {
      streamIdentifier: undefined,
      reference,
      initialPosition,
      consumerArn,
      creationEpochS,
    }]]);
  }

  /**
   * Lists many streams again.
   *
   * @returns Whether any stream was added or removed.
   * @throws what the function in `streams` threw.
   */
  async refresh(signal: AbortSignal): Promise<boolean> {
    const before = this.#tracked;
    await this.#list(false, signal);
    return before.size !== this.#tracked.size || [...before.keys()].some((key) => !this.#tracked.has(key));
  }

  /**
   * Forgets one of many streams that does not exist any more. If it is still listed, it is searched for
   * again, and may be another stream by then.
   */
  forget(streamIdentifier: string): void {
    for (const [key, { streamIdentifier: found }] of this.#found) {
      if (found === streamIdentifier) this.#found.delete(key);
    }
    const identifier = parseIdentifier(streamIdentifier);
    if (identifier !== undefined) this.#sought = new Set([...this.#sought, identifier.streamName]);
    this.#track([...this.#tracked].filter(([key]) => key !== streamIdentifier));
  }

  /**
   * The stream of a lease. Undefined when the signal aborts, or when it cannot be read; the latter is
   * reported once.
   */
  async of(
    lease: { readonly leaseKey: string; readonly streamIdentifier: string | undefined },
    signal: AbortSignal,
  ): Promise<TrackedStream | undefined> {
    const { streamIdentifier } = lease;
    const tracked = this.#tracked.get(streamIdentifier ?? "");
    if (tracked !== undefined) return tracked;
    if (this.#options.finding.streams.mode === "one" || streamIdentifier === undefined) {
      return this.#unreadable(
        lease.leaseKey,
        "it belongs to an application that reads one stream, or to one " +
          "that reads many: two applications share a table",
      );
    }
    await this.#relisted(signal);
    if (signal.aborted) return undefined;
    return this.#tracked.get(streamIdentifier) ?? this.#other(lease.leaseKey, streamIdentifier);
  }

  #other(leaseKey: string, streamIdentifier: string): TrackedStream | undefined {
    const identifier = parseIdentifier(streamIdentifier);
    if (identifier === undefined) {
      return this.#unreadable(leaseKey, `"${streamIdentifier}" is no account:stream:epoch`);
    }
    for (const tracked of this.#tracked.keys()) {
      const other = parseIdentifier(tracked);
      if (other === undefined || !areIncarnations(other, identifier)) continue;
      return this.#unreadable(
        leaseKey,
        `its stream is known as ${tracked} now: created anew, or named by another ` +
          "epoch in another worker",
      );
    }
    let other = this.#others.get(streamIdentifier);
    if (other === undefined) this.#others.set(streamIdentifier, other = this.#stream(identifier, {}));
    return other;
  }

  #unreadable(leaseKey: string, why: string): undefined {
    if (this.#toldUnreadable.has(leaseKey)) return;
    this.#toldUnreadable.add(leaseKey);
    this.#options.emit({
      type: "notice",
      level: "error",
      leaseKey,
      text: `Its lease is held, and nothing is read: ${why}`,
    });
  }

  /** Waits for a listing, one for all the leases of unknown streams, or until the signal aborts. */
  async #relisted(signal: AbortSignal): Promise<void> {
    try {
      await this.#relisting.join(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#options;
    if (this.#listedMs !== undefined && clock.monotonicMs() - this.#listedMs < RELIST_INTERVAL_MS) return;
    try {
      await this.#list(false, signal);
    } catch (error) {
      if (signal.aborted) return; // The leases that waited for the listing are lost: that is not a failure.
      this.#hasRelistFailed = true;
      emit({ type: "passFailed", pass: "streams", error });
    }
    this.#listedMs = clock.monotonicMs();
  }

  /** @param isFirst Whether finding none of them is a failure. */
  async #list(isFirst: boolean, signal: AbortSignal): Promise<void> {
    const { finding: { streams: wanted, region }, clock } = this.#options;
    if (wanted.mode === "one") return;
    const listed = typeof wanted.list === "function" ? await wanted.list() : wanted.list;
    const configs = streamConfigs(listed, region);
    // A stream that is listed again later may have been created again meanwhile, or be configured in another
    // way.
    const keys = new Set(configs.map(keyOf));
    for (const key of this.#found.keys()) if (!keys.has(key)) this.#found.delete(key);
    const outcomes = await Promise.all(configs.map((config) => this.#outcome(config, signal)));
    signal.throwIfAborted();
    this.#listedMs = clock.monotonicMs();
    if (this.#hasRelistFailed) this.#options.emit({ type: "passRecovered", pass: "streams" });
    this.#hasRelistFailed = false;
    this.#tellMissing(outcomes);
    const failures = outcomes.flatMap((outcome) => "error" in outcome ? [outcome] : []);
    const [first] = failures;
    // An invalid option is not a stream that may appear later.
    const refused = failures.find(({ error }) => error instanceof TypeError);
    if (isFirst && refused !== undefined) throw refused.error;
    if (isFirst && first !== undefined && failures.length === outcomes.length) throw first.error;
    this.#sought = new Set(failures.map(({ streamName }) => streamName));
    this.#track(
      outcomes.flatMap((outcome) =>
        "stream" in outcome ? [[outcome.stream.streamIdentifier ?? "", outcome.stream] as const] : []
      ),
    );
  }

  #track(streams: readonly (readonly [streamIdentifier: string, stream: TrackedStream])[]): void {
    const { emit } = this.#options;
    const before = this.#tracked;
    this.#tracked = new Map(streams);
    for (const [streamIdentifier, stream] of before) {
      if (this.#tracked.has(streamIdentifier)) continue;
      this.#others.set(streamIdentifier, stream);
      emit({ type: "streamRemoved", streamIdentifier });
    }
    for (const streamIdentifier of this.#tracked.keys()) {
      if (before.has(streamIdentifier)) continue;
      emit({ type: "streamAdded", streamIdentifier });
      this.#tellRetention(streamIdentifier, this.#tracked.get(streamIdentifier)?.retentionMs);
    }
  }

  #tellRetention(streamIdentifier: string | undefined, retentionMs: number | undefined): void {
    if (retentionMs === undefined) return;
    this.#options.emit({ type: "streamDescribed", streamIdentifier, retentionMs });
  }

  async #outcome(config: StreamConfig, signal: AbortSignal): Promise<Outcome> {
    const key = keyOf(config);
    try {
      let stream = this.#found.get(key);
      if (stream === undefined) this.#found.set(key, stream = await this.#find(config, signal));
      return { key, stream };
    } catch (error) {
      return { key, streamName: nameOf(config), error };
    }
  }

  /** Each stream that cannot be found is reported once, until its error changes. */
  #tellMissing(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if ("stream" in outcome) {
        this.#missing.delete(outcome.key);
        continue;
      }
      const kind = errorKind(outcome.error);
      if (this.#missing.get(outcome.key) === kind) continue;
      this.#missing.set(outcome.key, kind);
      this.#options.emit({
        type: "notice",
        level: "error",
        leaseKey: undefined,
        text: `Stream ${outcome.key} is not read until it can be found: ${errorText(outcome.error)}`,
      });
    }
  }

  async #find(config: StreamConfig, signal: AbortSignal): Promise<TrackedStream> {
    const { streamIdentifier, streamArn } = config;
    if (streamIdentifier !== undefined) {
      const identifier = parseIdentifier(streamIdentifier);
      if (identifier === undefined) throw new TypeError(`Cannot use stream identifier "${streamIdentifier}"`);
      return this.#stream(identifier, config);
    }
    const streamName = nameOf(config);
    const found = await describedStream({ streamName, streamArn }, this.#options, signal);
    const arn = streamArn ?? found.streamArn;
    checkConsumer(config.consumerArn, arnParts(streamName, arn));
    const { creationEpochS } = found;
    if (creationEpochS === undefined) {
      throw new Error(
        `Cannot tell stream "${streamName}" from a later one of its name: expected the service to tell when it was ` +
          "created: give its streamIdentifier",
      );
    }
    const accountId = arn === undefined ? NO_ACCOUNT_ID : parseStreamArn(arn).accountId;
    const stream = this.#stream({ accountId, streamName, creationEpochS }, { ...config, streamArn: arn });
    return { ...stream, creationEpochS, retentionMs: found.retentionMs };
  }

  #stream(identifier: StreamIdentifier, config: StreamConfig): TrackedStream {
    const { initialPosition, region } = this.#options.finding;
    const { accountId, streamName } = identifier;
    const canHaveArn = region !== undefined && accountId !== NO_ACCOUNT_ID;
    return {
      streamIdentifier: identifierText(identifier),
      reference: {
        streamName,
        streamArn: config.streamArn ??
          (canHaveArn ? streamArnOf({ region, accountId, streamName }) : undefined),
      },
      initialPosition: config.initialPositionInStream ?? initialPosition,
      consumerArn: config.consumerArn,
    };
  }
}

/** What became of the search for one stream. */
type Outcome =
  | { readonly key: string; readonly stream: TrackedStream }
  | { readonly key: string; readonly streamName: string; readonly error: unknown };

function keyOf({ streamIdentifier, streamArn, streamName }: StreamConfig): string {
  return streamIdentifier ?? streamArn ?? streamName ?? "";
}

/** The name of a stream that is to be described. */
function nameOf({ streamArn, streamName = "" }: StreamConfig): string {
  return streamArn === undefined ? streamName : parseStreamArn(streamArn).streamName;
}

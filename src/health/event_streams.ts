/**
 * Sends what changes on a page to every browser that has it open, as server-sent events. One loop serves them
 * all, and it runs only while there is one. What several have to get is made once.
 *
 * Nothing is queued for a browser that does not read: it gets what has changed meanwhile when it reads again.
 * One that does not read for a minute is let go. So a browser holds the memory of one message at most.
 *
 * Source: HTML, "Server-sent events", for the format; nginx, `X-Accel-Buffering`, for proxies.
 *
 * @module
 */

import { pause } from "../async/waiting.ts";
import type { Clock } from "../system.ts";

/** The parts of a page by their ids. */
export type Parts = ReadonlyMap<string, string>;

/** What the streams of an app are made of. */
export interface EventStreamsOptions<View> {
  readonly clock: Clock;
  /** The parts of the page as they are now. */
  readonly partsOf: (view: View) => Parts;
  /** What a browser with the parts `before` is to get. Undefined: nothing. */
  readonly updateOf: (before: Parts | undefined, after: Parts) => unknown;
  /** Called when the first browser comes. @returns what is called when the last one goes. */
  readonly onWatched: () => () => void;
  /** Whether nothing will change any more. */
  readonly isOver: () => boolean;
}

/** Between two messages, in ms. */
export const TICK_MS = 2_000;

/** After this time without a message a comment shows that the connection stands, in ms. */
export const HEARTBEAT_MS = 15_000;

/** A browser that takes nothing for this time is let go, in ms. Ours. */
export const UNREAD_MS = 60_000;

/** The most browsers at the same time. Ours. */
export const MOST_STREAMS = 64;

/** After this time a browser that has lost its connection asks again, in ms. */
const RETRY_MS = 3_000;

/** One browser. */
interface Stream<View> {
  readonly view: View;
  /** Views that are alike share what is made of them. */
  readonly key: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** What it has, once it has read all that was sent. */
  parts: Parts;
  /** When something was last sent. */
  sentMs: number;
  /** When it was last seen to read. */
  readMs: number;
}

/** The streams of one app. */
export class EventStreams<View> {
  readonly #options: EventStreamsOptions<View>;
  readonly #streams = new Set<Stream<View>>();
  #unwatched: AbortController | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: EventStreamsOptions<View>) {
    this.#options = options;
  }

  /** How many browsers there are. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * The body of an answer. It ends when the reader goes, or when it is over. Every server cancels the body
   * when the client goes. The request's own signal would say no more, and Deno warns of its use.
   *
   * @returns undefined when there are too many.
   */
  open(view: View): ReadableStream<Uint8Array> | undefined {
    if (this.#streams.size >= MOST_STREAMS) return undefined;
    const { clock, partsOf, updateOf, isOver } = this.#options;
    const nowMs = clock.monotonicMs();
    let stream: Stream<View> | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        // First: it may throw.
        const parts = partsOf(view);
        const first = updateOf(undefined, parts);
        const key = JSON.stringify(view);
        const joined: Stream<View> = { view, key, controller, parts, sentMs: nowMs, readMs: nowMs };
        stream = joined;
        this.#streams.add(joined);
        if (this.#streams.size === 1) this.#begin();
        controller.enqueue(ENCODER.encode(`retry: ${RETRY_MS}\n${messageOf(first)}`));
        if (isOver()) this.#end(joined);
      },
      cancel: () => {
        if (stream !== undefined) this.#leave(stream);
      },
    });
  }

  /** Ends all of them, and waits until nothing runs any more. */
  async close(): Promise<void> {
    for (const stream of this.#streams) this.#end(stream);
    await this.#loop;
  }

  #begin(): void {
    const unwatched = this.#unwatched = new AbortController();
    const onUnwatched = this.#options.onWatched();
    unwatched.signal.addEventListener("abort", onUnwatched, { once: true });
    const before = this.#loop;
    this.#loop = (async () => {
      await before;
      while (await pause(this.#options.clock, TICK_MS, unwatched.signal)) this.#tick();
    })();
  }

  #leave(stream: Stream<View>): void {
    if (!this.#streams.delete(stream)) return;
    if (this.#streams.size === 0) this.#unwatched?.abort();
  }

  #end(stream: Stream<View>): void {
    this.#leave(stream);
    stream.controller.close();
  }

  /** What is queued for it is thrown away. */
  #drop(stream: Stream<View>, reason: unknown): void {
    this.#leave(stream);
    stream.controller.error(reason);
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const isOver = this.#options.isOver();
    try {
      for (const streams of Map.groupBy(this.#streams, ({ key }) => key).values()) {
        this.#send(streams, nowMs);
      }
    } catch (error) {
      // Browsers ask again, and get the error as an answer.
      for (const stream of this.#streams) this.#drop(stream, error);
    }
    if (isOver) { for (const stream of this.#streams) this.#end(stream); }
  }

  /** To browsers with the same view. */
  #send(streams: readonly Stream<View>[], nowMs: number): void {
    const { partsOf, updateOf } = this.#options;
    const messages = new Map<Parts | undefined, Uint8Array | undefined>();
    let parts: Parts | undefined;
    for (const stream of streams) {
      if ((stream.controller.desiredSize ?? 0) <= 0) {
        if (nowMs - stream.readMs >= UNREAD_MS) this.#drop(stream, notReading());
        continue;
      }
      stream.readMs = nowMs;
      parts ??= partsOf(stream.view);
      if (!messages.has(stream.parts)) {
        const update = updateOf(stream.parts, parts);
        messages.set(stream.parts, update === undefined ? undefined : ENCODER.encode(messageOf(update)));
      }
      const message = messages.get(stream.parts) ??
        (nowMs - stream.sentMs >= HEARTBEAT_MS ? ENCODER.encode(":\n\n") : undefined);
      stream.parts = parts;
      if (message === undefined) continue;
      stream.controller.enqueue(message);
      stream.sentMs = nowMs;
    }
  }
}

const ENCODER = new TextEncoder();

/** Deno prints the error of a body: one line is enough. */
function notReading(): DOMException {
  const error = new DOMException(
    "a browser has not read the events of its page for a minute",
    "TimeoutError",
  );
  return Object.defineProperty(error, "stack", { value: `${error.name}: ${error.message}` });
}

/** One event. JSON has no line breaks. */
function messageOf(update: unknown): string {
  return `data: ${JSON.stringify(update)}\n\n`;
}

/** Headers of an answer with such a body: nobody in between may keep it, change it or wait for more of it. */
export const EVENT_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

/**
 * Surroundings for tests of `aws/`: a fetch that answers by script, under a clock that moves by itself past back-off
 * pauses and, where the script says "hang", past the time limit.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../../src/events.ts";
import type { System } from "../../src/system.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A request as fetch got it. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly redirect: string | undefined;
  readonly atEpochMs: number;
}

/** What happens to one request. */
export type Step =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** `fetch` rejects. */
  | Error
  /** Never answered; time goes by until the request is aborted. */
  | "hang"
  /** Never answered, and the signal is ignored; time goes by. */
  | "deaf"
  | ((request: SentRequest) => Step | Promise<Step>);

/** Everything that a test of `aws/` needs. */
export interface ScriptedSystem {
  readonly system: System;
  readonly clock: FakeClock;
  readonly requests: readonly SentRequest[];
  readonly events: readonly WorkerEvent[];
  /** Records the event, and moves the clock past a pause that it announces. */
  readonly onEvent: WorkerEventListener;
  /** The pauses between attempts so far, in ms. */
  readonly pauses: readonly number[];
}

/** Options of {@linkcode scriptedSystem}. */
export interface ScriptOptions {
  /** What `random()` gives. @default {0.5} */
  readonly chance?: number;
  /** Sleeps of less than a second end by themselves: for pauses that no event announces. */
  readonly shortPausesEnd?: boolean;
}

/** Answers requests with the steps in order; one more request than steps is a failure of the test. */
export function scriptedSystem(steps: readonly Step[], options: ScriptOptions = {}): ScriptedSystem {
  const clock = new FakeClock();
  if (options.shortPausesEnd) {
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms, signal) => {
      if (ms < 1000) {
        pauses.push(ms);
        queueMicrotask(() => clock.jump(ms));
      }
      return sleep(ms, signal);
    };
  }
  const requests: SentRequest[] = [];
  const events: WorkerEvent[] = [];
  const pauses: number[] = [];
  const fetchLike = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request: SentRequest = {
      method: init?.method ?? "GET",
      url: String(input),
      headers: new Headers(init?.headers),
      body: typeof init?.body === "string" ? init.body : "",
      redirect: init?.redirect,
      atEpochMs: clock.epochMs(),
    };
    let step = steps[requests.length];
    requests.push(request);
    while (typeof step === "function") step = await step(request);
    if (step === undefined) throw new Error(`the script has only ${steps.length} steps`);
    if (step instanceof Error) throw step;
    if (step === "hang" || step === "deaf") {
      const deaf = step === "deaf";
      return await new Promise((_, reject) => {
        const signal = init?.signal;
        if (!deaf) signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        queueMicrotask(() => clock.jump(Math.min(...clock.pendingMs, 600_000)));
      });
    }
    const { status = 200, headers = {}, body = "" } = step;
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  };
  return {
    system: { clock, random: () => options.chance ?? 0.5, fetch: fetchLike as typeof globalThis.fetch },
    clock,
    requests,
    events,
    pauses,
    onEvent(event) {
      events.push(event);
      if (event.type !== "requestRetried" || event.delayMs === 0) return;
      pauses.push(event.delayMs);
      queueMicrotask(() => clock.jump(event.delayMs));
    },
  };
}

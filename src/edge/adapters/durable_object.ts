/**
 * A Cloudflare Durable Object that consumes by alarms: one object is one worker, and its alarms never
 * overlap.
 *
 * There is one alarm per object, and a lost one is lost for ever. So an alarm is set before each slice and
 * again after it, and a cron trigger calls {@linkcode cloudflareRearm}.
 *
 * Source: developers.cloudflare.com/durable-objects/api/alarms.
 *
 * @module
 */

import { type Clock, realClock } from "../../system.ts";
import type { SliceOptions } from "../slice_options.ts";
import { type SliceSummary, sliceSummary, type SliceWorker } from "./slice_worker.ts";

/** The part of a Durable Object's state that is used. */
export interface DurableObjectState {
  /** The object's id. */
  readonly id: { toString(): string };
  /** Where its alarm is kept. */
  readonly storage: {
    getAlarm(): Promise<number | null>;
    setAlarm(scheduledTimeMs: number): void | Promise<void>;
  };
}

/** What the platform calls. */
export interface DurableObjectConsumer {
  /** Runs one slice, and sets the next alarm. */
  alarm(info?: { readonly retryCount: number }): Promise<void>;
  /** Sets an alarm where there is none, and answers with {@linkcode ConsumerState} as JSON. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/** What the object answers to a request. */
export interface ConsumerState {
  /** Epoch ms. */
  readonly alarmAt: number;
  /** Undefined before the first slice since the object was last loaded. */
  readonly last: SliceSummary | undefined;
}

/** Beyond the budget, before the alarm that was set first comes: the slice lock has then expired. In ms. */
const SPARE_MS = 30_000;
/** After an alarm that threw for the last time that the platform tries it again. In ms. */
const AFTER_ERROR_MS = 60_000;
/** How many times the platform tries an alarm again. */
const LAST_RETRY = 6;

/**
 * A class to export from the Worker and to bind as a Durable Object.
 *
 * @param make Makes the worker, once each time the object is loaded. The second argument is its name: the
 * object's id, which stays.
 * @param slice What one alarm may use. Cloudflare gives an object's alarm 15 minutes; a new version of the
 * Worker ends it after some seconds. So 10 to 30 s are a good budget.
 */
export function cloudflareDurableObject<Env>(
  make: (env: Env, workerIdentifier: string) => SliceWorker,
  slice: SliceOptions,
  clock: Clock = realClock,
): new (state: DurableObjectState, env: Env) => DurableObjectConsumer {
  return class implements DurableObjectConsumer {
    readonly #state: DurableObjectState;
    readonly #env: Env;
    #worker: SliceWorker | undefined;
    #last: SliceSummary | undefined;

    constructor(state: DurableObjectState, env: Env) {
      this.#state = state;
      this.#env = env;
    }

    async alarm({ retryCount }: { readonly retryCount: number } = { retryCount: 0 }): Promise<void> {
      await this.#setAlarm(slice.budgetMs + SPARE_MS);
      try {
        this.#worker ??= make(this.#env, this.#state.id.toString());
        const result = await this.#worker.runSlice(slice);
        this.#last = sliceSummary(result);
        await this.#setAlarm(result.nextInMs);
      } catch (error) {
        await this.#setAlarm(AFTER_ERROR_MS);
        // The platform has shown this error as often as it tries again. Now a new alarm begins.
        if (retryCount < LAST_RETRY) throw error;
      }
    }

    readonly fetch = async (): Promise<Response> => {
      let alarmAt = await this.#state.storage.getAlarm();
      if (alarmAt === null) {
        alarmAt = clock.epochMs();
        await this.#state.storage.setAlarm(alarmAt);
      }
      return Response.json({ alarmAt, last: this.#last } satisfies ConsumerState);
    };

    async #setAlarm(inMs: number): Promise<void> {
      await this.#state.storage.setAlarm(clock.epochMs() + inMs);
    }
  };
}

/**
 * Caches the credentials of a slow source, and refreshes them before they expire, once for all callers. The
 * old ones stay in reserve.
 *
 * There is no background task. In the advisory window the one caller that finds the refresh due waits for the
 * source, for at most a second. All other callers continue with the old credentials.
 *
 * @module
 */

import type { WorkerEventListener } from "../../events.ts";
import type { System } from "../../system.ts";
import type { Credentials, CredentialsProvider } from "../credentials.ts";
import { refreshPauseMs, type RefreshRule, type RefreshTimes, refreshTimes } from "./refresh_times.ts";
import { SharedTask } from "../../async/shared_task.ts";
import { isTimeLimit, withinTime } from "../../async/waiting.ts";

/** A source that is called from time to time. */
export interface CredentialsSource {
  /** Names the source in events, e.g. `instance metadata`. */
  readonly name: string;
  /** Calls the source. The signal aborts when no caller waits any longer. */
  readonly load: (signal: AbortSignal) => Promise<Credentials>;
  readonly rule: RefreshRule;
}

/** What a cached provider works with. */
export interface CachingOptions {
  readonly system: System;
  readonly onEvent?: WorkerEventListener | undefined;
}

/**
 * The longest that a request waits for a refresh that can wait itself, in ms: a third of a renewal cycle at
 * the defaults.
 */
const ADVISORY_LIMIT_MS = 1000;

/** The shortest pause before the next request to a source whose credentials were refused, in ms. */
const REFUSED_PAUSE_MS = 10_000;

/**
 * Makes a provider of a source. Some sources renew credentials themselves ("container", "instance"), and are
 * trusted when they fail. Their last credentials are used past their end, until the service refuses them.
 */
export function cachedCredentials(source: CredentialsSource, options: CachingOptions): CredentialsProvider {
  const cache = new CredentialsCache(source, options);
  const provider = (signal?: AbortSignal) => cache.current(signal);
  return Object.assign(provider, { invalidate: (refused: Credentials) => cache.invalidate(refused) });
}

interface Kept extends RefreshTimes {
  readonly credentials: Credentials;
  readonly loadedMonotonicMs: number;
}

class CredentialsCache {
  readonly #source: CredentialsSource;
  readonly #system: System;
  readonly #emit: WorkerEventListener;
  /** The request to the source: one for all callers that wait for its answer. */
  readonly #question: SharedTask<Credentials> = new SharedTask((abandoned) => this.#load(abandoned));
  #kept: Kept | undefined;
  #failures = 0;
  /** No refresh that can wait is tried before. */
  #notBeforeMonotonicMs = -Infinity;

  constructor(source: CredentialsSource, { system, onEvent }: CachingOptions) {
    this.#source = source;
    this.#system = system;
    this.#emit = onEvent ?? (() => {});
  }

  async current(signal: AbortSignal | undefined): Promise<Credentials> {
    const kept = this.#kept;
    if (kept === undefined) return await this.#question.join(signal);
    const { clock } = this.#system;
    const nowEpochMs = clock.epochMs();
    const insist = nowEpochMs >= kept.mandatoryEpochMs;
    const { rule } = this.#source;
    const usable = !insist || rule === "container" || rule === "instance";
    if (nowEpochMs < kept.advisoryEpochMs) return kept.credentials;
    if (usable && clock.monotonicMs() < this.#notBeforeMonotonicMs) return kept.credentials;
    if (!insist && this.#question.isUnderWay) return kept.credentials;
    try {
      if (insist) return await this.#question.join(signal);
      return await withinTime(
        { clock, ms: ADVISORY_LIMIT_MS, signal },
        (limited) => this.#question.join(limited),
      );
    } catch (error) {
      if (signal?.aborted || !usable) throw error;
      if (isTimeLimit(error)) this.#failed(error);
      return kept.credentials;
    }
  }

  invalidate(refused: Credentials): void {
    const kept = this.#kept;
    if (kept?.credentials !== refused) return; // newer ones are here already
    if (this.#system.clock.monotonicMs() - kept.loadedMonotonicMs < REFUSED_PAUSE_MS) return;
    this.#kept = { ...kept, advisoryEpochMs: -Infinity, mandatoryEpochMs: -Infinity };
  }

  async #load(abandoned: AbortSignal): Promise<Credentials> {
    const { clock, random } = this.#system;
    let credentials: Credentials;
    try {
      credentials = await this.#source.load(abandoned);
    } catch (error) {
      if (!abandoned.aborted) this.#failed(error);
      throw error;
    }
    if (abandoned.aborted) return credentials;
    const { expiresEpochMs } = credentials;
    const nowEpochMs = clock.epochMs();
    this.#kept = {
      credentials,
      loadedMonotonicMs: clock.monotonicMs(),
      ...refreshTimes({ rule: this.#source.rule, nowEpochMs, expiresEpochMs, chance: random() }),
    };
    this.#failures = 0;
    this.#notBeforeMonotonicMs = -Infinity;
    this.#emit({ type: "credentialsRefreshed", source: this.#source.name, expiresEpochMs });
    return credentials;
  }

  #failed(error: unknown): void {
    this.#failures++;
    this.#notBeforeMonotonicMs = this.#system.clock.monotonicMs() + refreshPauseMs(this.#failures);
    // Without old ones there is nothing to refresh: the caller gets the error, and a chain continues with its
    // next source.
    if (this.#kept !== undefined) this.#emit({ type: "credentialsRefreshFailed", error });
  }
}

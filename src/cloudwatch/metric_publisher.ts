/**
 * Sends what a tally has added up: every few seconds, at once when a request is full, and when the worker
 * stops. It runs beside the worker: a request that hangs delays nothing but other metrics.
 *
 * It waits only while there is something to send, so that a process whose worker has ended can end. What
 * could not be sent is put back and joins what comes next. The second failure drops it: CloudWatch stamps
 * statistics at their arrival, so those of a long outage would show as one peak after it.
 *
 * Source: KCL 3.5.1, `CloudWatchPublisherRunnable`, which tries nothing twice.
 *
 * @module
 */

import { Bell } from "../async/bell.ts";
import { Semaphore } from "../async/task_group.ts";
import {
  isTimeLimit,
  linkedController,
  pause,
  settlesWithin,
  unlessAborted,
  withinTime,
} from "../async/waiting.ts";
import type { CloudWatch } from "../aws/cloudwatch.ts";
import { AwsServiceError, CredentialsError, errorText } from "../errors.ts";
import type { Clock } from "../system.ts";
import type { MetricPoint } from "./metric_point.ts";
import type { DropReason, MetricTally, QueuedDatum } from "./metric_tally.ts";

/** What a publisher works with. */
export interface PublisherOptions {
  readonly cloudWatch: CloudWatch;
  readonly namespace: string;
  readonly tally: MetricTally;
  readonly clock: Clock;
  /** Between two flushes, in ms. */
  readonly bufferTimeMs: number;
  /** As many sets are sent at once. */
  readonly fullSize: number;
  /** Whether it flushes by itself. */
  readonly isAutomatic: boolean;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
}

/**
 * One call with its credentials and repairs takes no longer, in ms. One attempt takes 5 s at the most. Ours.
 */
const CALL_LIMIT_MS = 10_000;

/** How long sending may take when the worker stops, in ms. Ours: what is left of Docker's ten seconds. */
export const CLOSE_LIMIT_MS = 2000;

/** The pause after CloudWatch has refused us, in ms. Ours: a permission that is added is found by itself. */
const REFUSED_PAUSE_MS = 300_000;

/** How often the log says at the most that values were dropped, in ms. Ours. */
const DROP_NOTICE_MS = 600_000;

/** What to make of a failure. */
type Failure =
  /** It may work later. */
  | "again"
  /** A smaller request may work. */
  | "tooLarge"
  /** These data are never taken. */
  | "wrongData"
  /** Nothing is taken until somebody changes something. */
  | "refused";

/** See the module. */
export class MetricPublisher {
  readonly #options: PublisherOptions;
  readonly #bell = new Bell();
  readonly #oneAtATime = new Semaphore(1);
  /** Aborts when no more is to be waited for. */
  readonly #closing = new AbortController();
  /** Aborts when no more is to be sent. */
  readonly #over = new AbortController();
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** What the log said last. */
  #trouble: "refused" | "failing" | "wrongData" | undefined;
  /** Whether the last request failed, so that the next one waits. */
  #isFailing = false;
  /** Until when nothing is taken. */
  #refusedUntilMs = -Infinity;
  #toldDrops = { atMs: -Infinity, values: 0 };

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Takes a value. Returns at once, and never throws. */
  add(point: MetricPoint): void {
    const { tally, clock, fullSize, isAutomatic } = this.#options;
    if (this.#closing.signal.aborted || clock.monotonicMs() < this.#refusedUntilMs) {
      return tally.drop("closed", 1);
    }
    tally.add(point);
    if (tally.size >= fullSize) this.#bell.ring();
    if (isAutomatic && tally.size > 0) this.#running ??= this.#run();
  }

  /**
   * Sends what there is. Never rejects: what fails is reported, and kept for the next flush.
   *
   * @param signal Ends it; what was not sent is kept.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    const over = this.#over.signal;
    const { controller, unlink } = linkedController(signal);
    const stop = () => controller.abort(over.reason);
    over.addEventListener("abort", stop, { once: true });
    if (over.aborted) stop();
    try {
      await unlessAborted(this.#oneAtATime.run(() => this.#sendAll(controller.signal)), signal);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    } finally {
      unlink();
      over.removeEventListener("abort", stop);
    }
  }

  /** Sends what there is, within two seconds, and takes no more. Never rejects. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { tally, clock, notice } = this.#options;
    this.#closing.abort();
    const flushed = this.flush();
    if (!await settlesWithin(flushed, CLOSE_LIMIT_MS, clock)) {
      this.#over.abort(new DOMException(`not sent within ${CLOSE_LIMIT_MS} ms`, "TimeoutError"));
    }
    await flushed;
    await this.#running;
    if (tally.size === 0) return;
    const sets = tally.size;
    tally.clear("unsent");
    notice("warning", `${sets} metrics were not sent to CloudWatch before the end`);
  }

  /** Ends when nothing waits to be sent: the next value starts it again. */
  async #run(): Promise<void> {
    const { tally, clock, bufferTimeMs } = this.#options;
    const { signal } = this.#closing;
    while (tally.size > 0 && !signal.aborted) {
      // A full tally is no reason to try again at once what has just failed.
      if (this.#isFailing) await pause(clock, bufferTimeMs, signal);
      else await this.#bell.wait(clock, bufferTimeMs, signal);
      if (!signal.aborted) await this.flush();
    }
    this.#running = undefined;
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const { tally } = this.#options;
    // What comes meanwhile is for the next flush.
    for (let left = tally.size; left > 0 && !signal.aborted;) {
      const data = tally.drain();
      left -= data.length;
      if (!await this.#send(data, signal)) break;
    }
    this.#tellDrops();
  }

  /** @returns whether CloudWatch took something, so that more may be sent. */
  async #send(data: readonly QueuedDatum[], signal: AbortSignal): Promise<boolean> {
    const { cloudWatch, namespace, clock, tally } = this.#options;
    try {
      const limit = { clock, ms: CALL_LIMIT_MS, signal };
      await withinTime(limit, (ended) => cloudWatch.putMetricData(namespace, data, ended));
    } catch (error) {
      if (signal.aborted) {
        tally.putBack(data);
        return false;
      }
      return await this.#afterFailure(error, data, signal);
    }
    this.#isFailing = false;
    this.#tellRecovery();
    return true;
  }

  async #afterFailure(error: unknown, data: readonly QueuedDatum[], signal: AbortSignal): Promise<boolean> {
    const { tally, clock } = this.#options;
    const failure = failureOf(error);
    switch (failure) {
      case "tooLarge": {
        if (data.length === 1) return this.#dropWrong(error, data);
        const middle = Math.ceil(data.length / 2);
        if (await this.#send(data.slice(0, middle), signal)) {
          return await this.#send(data.slice(middle), signal);
        }
        tally.putBack(data.slice(middle));
        return false;
      }
      case "wrongData":
        return this.#dropWrong(error, data);
      case "refused":
        this.#isFailing = true;
        this.#refusedUntilMs = clock.monotonicMs() + REFUSED_PAUSE_MS;
        this.#drop("refused", data);
        tally.clear("closed");
        this.#tell(failure, "error", `CloudWatch takes no metrics: ${errorText(error)}: ${REFUSED_ADVICE}`);
        return false;
      case "again": {
        this.#isFailing = true;
        const [kept, given] = [true, false].map((isKept) =>
          data.filter(({ failures }) => (failures === 0) === isKept)
        );
        this.#drop("unsent", given ?? []);
        tally.putBack((kept ?? []).map((datum) => withFailure(datum)));
        if ((given ?? []).length > 0) {
          const text = `Metrics do not reach CloudWatch: ${
            errorText(error)
          }: the worker goes on without them`;
          this.#tell("failing", "warning", text);
        }
        return false;
      }
    }
  }

  /** More may be sent: the fault is in these data. */
  #dropWrong(error: unknown, data: readonly QueuedDatum[]): true {
    this.#drop("refused", data);
    const text = `CloudWatch refuses ${data.length} metrics, which are dropped: ${errorText(error)}`;
    this.#tell("wrongData", "warning", text);
    return true;
  }

  #drop(reason: DropReason, data: readonly QueuedDatum[]): void {
    for (const { sampleCount } of data) this.#options.tally.drop(reason, sampleCount);
  }

  /** Once for each trouble. */
  #tell(trouble: "refused" | "failing" | "wrongData", level: "warning" | "error", text: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#options.notice(level, text);
  }

  #tellRecovery(): void {
    const { notice } = this.#options;
    if (this.#trouble === "refused" || this.#trouble === "failing") {
      this.#trouble = undefined;
      notice("info", "CloudWatch takes metrics again");
    }
  }

  /** What the tally itself had to drop. */
  #tellDrops(): void {
    const { tally: { dropped }, clock, notice } = this.#options;
    const reasons = [
      ["full", "more metrics than metricsMaxQueueSize allows"],
      ["noNumber", "numbers that CloudWatch does not take"],
      ["otherUnit", "a unit that the metric did not have before"],
    ] as const;
    const found = reasons.filter(([reason]) => (dropped.get(reason) ?? 0) > 0);
    const values = found.reduce((sum, [reason]) => sum + (dropped.get(reason) ?? 0), 0);
    const nowMs = clock.monotonicMs();
    if (values === this.#toldDrops.values || nowMs - this.#toldDrops.atMs < DROP_NOTICE_MS) return;
    const texts = found.map(([reason, text]) => `${dropped.get(reason)} for ${text}`).join(", ");
    notice("warning", `Values of metrics were dropped since the start: ${texts}`);
    this.#toldDrops = { atMs: nowMs, values };
  }
}

const REFUSED_ADVICE =
  "allow the action cloudwatch:PutMetricData, or set metricsLevel to NONE; the worker goes on without " +
  "metrics, and tries again every 5 minutes";

function withFailure(datum: QueuedDatum): QueuedDatum {
  const { name, unit, dimensions, sampleCount, sum, minimum, maximum, failures } = datum;
  return { name, unit, dimensions, sampleCount, sum, minimum, maximum, failures: failures + 1 };
}

/** Codes with which CloudWatch says that something in the request is wrong, with and without `Exception`. */
const WRONG_DATA =
  /^(?:InvalidParameter\w*|MissingParameter|MissingRequiredParameter|ValidationError|Validation|Serialization|InvalidFormatFault)(?:Exception)?$/;

function failureOf(error: unknown): Failure {
  if (error instanceof CredentialsError) return error.reason === "notAnswering" ? "again" : "refused";
  if (isTimeLimit(error)) return "again";
  if (!(error instanceof AwsServiceError)) return "refused";
  if (error.retryable) return "again";
  if (error.status === 413 || /^RequestEntityTooLarge(?:Exception)?$/.test(error.code)) return "tooLarge";
  return WRONG_DATA.test(error.code) ? "wrongData" : "refused";
}

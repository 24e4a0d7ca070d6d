/**
 * Calls the processor with a limit of time. A call cannot be killed: its signal aborts, and the caller waits
 * until it returns. One that does not return at all is left behind after a while.
 *
 * @module
 */

import { pause, settlesWithin } from "../async/waiting.ts";
import type { CallbackOutcome } from "../consumer/callbacks.ts";
import type { Clock } from "../system.ts";

/** How long a call that is over its time may still take until it is left behind, in ms. Ours. */
export const LEFT_BEHIND_AFTER_MS = 30_000;

/** How a call ended. */
export interface TimedOutcome {
  readonly outcome: CallbackOutcome;
  /** It still runs: its processor must not be called again. */
  readonly isLeftBehind: boolean;
}

/**
 * Runs a call.
 *
 * @param lost Aborts when the lease is lost; so does the call's signal.
 * @param limitMs `Infinity`: no limit, and no timer.
 */
export async function timedCall(
  { clock, limitMs, lost }: { readonly clock: Clock; readonly limitMs: number; readonly lost: AbortSignal },
  call: (signal: AbortSignal) => Promise<CallbackOutcome>,
): Promise<TimedOutcome> {
  if (limitMs === Infinity) return { outcome: await call(lost), isLeftBehind: false };
  const limited = new AbortController();
  const follow = () => limited.abort(lost.reason);
  lost.addEventListener("abort", follow, { once: true });
  if (lost.aborted) follow();
  const over = new AbortController();
  const startedMs = clock.monotonicMs();
  try {
    const calling = call(limited.signal);
    const inTime = await Promise.race([
      calling.then(() => true),
      pause(clock, limitMs, over.signal).then((isTimeOver) => !isTimeOver),
    ]);
    if (inTime) return { outcome: await calling, isLeftBehind: false };
    const error = new DOMException(
      `processRecords has not returned within callTimeoutMs = ${limitMs}: its signal was aborted`,
      "TimeoutError",
    );
    limited.abort(error);
    const isLeftBehind = !await settlesWithin(calling, LEFT_BEHIND_AFTER_MS, clock);
    return { outcome: { ok: false, ms: clock.monotonicMs() - startedMs, error }, isLeftBehind };
  } finally {
    over.abort();
    lost.removeEventListener("abort", follow);
  }
}

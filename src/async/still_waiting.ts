/**
 * Says what a starting program waits for, so that its operator does not have to guess.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { pause } from "./waiting.ts";

/** When to say first what is waited for, and the pause before it is said again, in ms. Ours. */
const FIRST_MS = 5_000, AGAIN_MS = 60_000;

/**
 * Does something that belongs to a start. When that takes more than a few seconds, says what it waits for.
 *
 * @param what What is waited for, after "Still waiting for".
 */
export async function sayWhileWaiting<T>(
  what: string,
  { clock, say }: { readonly clock: Clock; readonly say: (text: string) => void },
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const startMs = clock.monotonicMs();
  const saying = async () => {
    for (let pauseMs = FIRST_MS; await pause(clock, pauseMs, over.signal); pauseMs = AGAIN_MS) {
      say(`Still waiting for ${what}, for ${Math.round((clock.monotonicMs() - startMs) / 1000)} s by now`);
    }
  };
  const said = saying();
  try {
    return await work();
  } finally {
    over.abort();
    await said;
  }
}

/**
 * What the processors of a chaos run do besides storing results: they take some time, and crash now and then.
 *
 * @module
 */

/** Work of some ms, so that kills and pauses meet a processor at its work. */
export async function work(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
}

/** @throws {Error} in one call of a hundred. */
export function crashAtTimes(): void {
  if (Math.random() < 0.01) throw new Error("a crash of the processor");
}

/**
 * The seed of random tests. It is the same in each run, so that a change is never refused for code that it
 * did not touch. `SEED=random` looks further, `SEED=` and a number repeats. fast-check prints the seed with
 * each failure.
 *
 * @module
 */

/** To be spread into the parameters of `fc.assert`. */
export function seeded(): { readonly seed: number } {
  return { seed: seedOf(Deno.env.get("SEED") ?? "1") };
}

/**
 * The seed that a text names: a number, or `random`, which is drawn from 31 bits so that every command takes
 * it back.
 */
export function seedOf(text: string): number {
  return text === "random" ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1 : Number(text);
}

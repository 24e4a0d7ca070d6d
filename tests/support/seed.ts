/**
 * The seed of random tests. It is the same in each run, so that a change is never refused for what it did not touch; `SEED=random`
 * looks further, `SEED=` and a number repeats. fast-check prints the seed with whatever it finds.
 *
 * @module
 */

/** To be spread into the parameters of `fc.assert`. */
export function seeded(): { readonly seed: number } {
  const given = Deno.env.get("SEED") ?? "1";
  return { seed: given === "random" ? crypto.getRandomValues(new Int32Array(1))[0] ?? 0 : Number(given) };
}

/**
 * The seed of random tests: `SEED=` repeats a run. fast-check prints the seed with whatever it finds.
 *
 * @module
 */

/** To be spread into the parameters of `fc.assert`. */
export function seeded(): { readonly seed: number } {
  const given = Deno.env.get("SEED");
  return { seed: given === undefined ? crypto.getRandomValues(new Int32Array(1))[0] ?? 0 : Number(given) };
}

/**
 * Packages that are measured beside kclite, and how they are loaded: on demand and at exactly one version. Their names are
 * put together at run time, so that neither `deno check` nor deno.lock, nor anybody who does not compare, ever meets them.
 *
 * @module
 */

import type { Reader } from "../readers.ts";

/** A package and its version. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
}

/** A reader of another make. */
export interface Peer {
  /** All that has to be installed; the first is what it is called. */
  readonly packages: readonly [Pinned, ...Pinned[]];
  /** Why it is not measured in Deno; undefined: it is. */
  readonly skippedInDeno?: string;
  /** One turn. */
  readonly turn: Reader;
}

/** Loads a package: in Deno from npm at that version, in Node.js what was installed beside the program. */
export async function load({ name, version }: Pinned): Promise<unknown> {
  return await import("Deno" in globalThis ? `npm:${name}@${version}` : name);
}

/**
 * Packages that are measured beside kclite, and how they are loaded: on demand and at exactly one version. Their names are
 * put together at run time, so that neither `deno check` nor deno.lock, nor anybody who does not compare, ever meets them.
 *
 * @module
 */

import type { Turn } from "../meter.ts";

/** A package and its version. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
}

/** What a peer is measured on. */
export interface PeerOptions {
  /** The canned server. */
  readonly url: string;
  /** A DynamoDB, for whoever keeps leases there. */
  readonly tableUrl: string;
}

/** A reader of another make. */
export interface Peer {
  /** All that has to be installed; the first is what it is called. */
  readonly packages: readonly [Pinned, ...Pinned[]];
  /** Why it is not measured in Deno; undefined: it is. */
  readonly skippedInDeno?: string;
  /** One turn. */
  readonly turn: (options: PeerOptions) => Promise<Turn>;
}

/** Loads a package: in Deno from npm at that version, in Node.js what was installed beside the program. */
export async function load({ name, version }: Pinned): Promise<unknown> {
  return await import("Deno" in globalThis ? `npm:${name}@${version}` : name);
}

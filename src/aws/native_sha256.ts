/**
 * SHA-256 as the runtime computes it at once: by `node:crypto`, which Deno, Node.js and Bun have.
 *
 * Web Crypto computes each digest in another thread. For a request of a few hundred bytes the way there and
 * back costs some fifty times the digest, and a signature needs three.
 *
 * @module
 */

/** Long bodies are better digested by Web Crypto, beside the rest of the program. */
export const SHORT_BYTES: number = 64 * 1024;

/** A digest that is being computed. */
interface Digest {
  update(text: string | Uint8Array): Digest;
  digest(encoding: "hex"): string;
}

/** What is used of `node:crypto`. */
export interface NativeSha256 {
  createHash(algorithm: "sha256"): Digest;
  createHmac(algorithm: "sha256", key: Uint8Array): Digest;
}

interface WithModules {
  readonly process?: { getBuiltinModule?(name: string): NativeSha256 | undefined };
}

/** The runtime's own; undefined if it has none, as in a browser. */
export function nativeSha256(): NativeSha256 | undefined {
  return (globalThis as WithModules).process?.getBuiltinModule?.("node:crypto");
}

// Pure.
/**
 * The one check that keys pass where they enter the library. A character that no key has would show up much
 * later, in an error of the runtime. That error quotes the whole header, with the secret or the token.
 *
 * @module
 */

import { CredentialsError } from "../errors.ts";

/** Keys as a user or a service gives them. */
export interface UncheckedKeys {
  readonly accessKeyId: unknown;
  readonly secretAccessKey: unknown;
  readonly sessionToken?: unknown;
}

/**
 * Checks the characters of keys, and that there are keys at all.
 *
 * @param source Where the keys are from, e.g. `the environment`.
 * @throws {CredentialsError} that names source and field, and never the value.
 */
export function checkKeys(keys: UncheckedKeys, source: string): void {
  for (const name of ["accessKeyId", "secretAccessKey", "sessionToken"] as const) {
    const value = keys[name];
    const problem = value === undefined && name === "sessionToken" ? undefined : problemOf(name, value);
    if (problem === undefined) continue;
    throw new CredentialsError(
      `Cannot use the keys of ${source}: expected ${problem}: copy it anew from AWS`,
      { reason: "refused" },
    );
  }
}

function problemOf(name: keyof UncheckedKeys, value: unknown): string | undefined {
  if (typeof value !== "string") return `${name} to be a text: got ${value === null ? "null" : typeof value}`;
  if (value === "") return name === "sessionToken" ? undefined : `${name} to be a text that is not empty`;
  const at = value.search(name === "accessKeyId" ? NOT_IN_IDS : NOT_IN_KEYS);
  if (at === -1) return undefined;
  return `${name} without ${kindOf(value.charCodeAt(at))}: got one as character ${at + 1}`;
}

/**
 * Ours: wider than AWS's alphabet, base64, since emulators have other keys. Characters that no header may
 * contain are not in it.
 */
const NOT_IN_KEYS = /[^!#-&(-+\--[\]-_a-~]/;
/** A slash or a comma would end the id in the header that names it. */
const NOT_IN_IDS = /[^!#-&(-+\-.0-[\]-_a-~]/;

function kindOf(code: number): string {
  if (code === 0x0a || code === 0x0d) return "line breaks";
  if (code < 0x20 || code === 0x7f) return "control characters";
  if (code === 0x20) return "spaces";
  if (code > 0x7f) return "characters outside ASCII";
  return "quotation marks and other marks that no key has";
}

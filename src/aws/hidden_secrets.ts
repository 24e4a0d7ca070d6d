// Pure.
/**
 * Removes secrets from the text of a service before it is shown.
 *
 * @module
 */

import { errorText } from "../errors.ts";

/** Shorter ones are those of emulators ("test"): no secrets, and their removal would only garble the text. */
const SHORTEST_SECRET = 16;

/** The text with each of the secrets replaced, also where they are encoded as in a URL, in XML or in HTML. */
export function hideSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret === undefined || secret.length < SHORTEST_SECRET) continue;
    for (const form of new Set([secret, encodeURIComponent(secret), inMarkup(secret)])) {
      shown = shown.replaceAll(form, "(hidden)");
    }
  }
  return shown;
}

/** AWS access key ids: a known prefix and 16 more. Source: IAM User Guide, "Unique identifiers". */
const ACCESS_KEY_ID = /\b(AKIA|ASIA)[A-Z0-9]{12,124}\b/g;

/** A name that precedes a secret, and the value after it. */
const NAMED_SECRET =
  /(x-amz-security-token|signature|secret_?access_?key|session_?token|password|authorization)(["']?\s{0,4}[:=]\s{0,4}["']?)(?:bearer |basic )?[^\s"',;&<]+/gi;

/** The password in a URL, as errors of database clients show it. */
const URL_PASSWORD = /(:\/\/[^\s:@/?#]{0,200}:)[^\s@/?#]{1,200}@/g;

/** The text without what looks like a secret: access keys, values with a telling name, passwords in URLs. */
export function hideNamedSecrets(text: string): string {
  return text.replace(ACCESS_KEY_ID, "$1…").replace(NAMED_SECRET, "$1$2…").replace(URL_PASSWORD, "$1…@");
}

/**
 * The error, if it may be passed on as a cause. Undefined when it, or its own cause, repeats one of the
 * secrets.
 */
export function harmlessCause(cause: unknown, secrets: readonly (string | undefined)[]): unknown {
  const text = errorText(cause);
  return hideSecrets(text, secrets) === text ? cause : undefined;
}

/**
 * A code or a request's id as a server sent it.
 *
 * @returns undefined for what cannot be one: it would be printed as it is.
 */
export function shownWord(
  word: string | null | undefined,
  secrets: readonly (string | undefined)[] = [],
): string | undefined {
  if (word == null || !/^[\w.-]{1,100}$/.test(word)) return undefined;
  return secrets.some((secret) =>
      secret !== undefined && secret !== "" && secret.length >= SHORTEST_SECRET && word.includes(secret)
    )
    ? undefined
    : word;
}

function inMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

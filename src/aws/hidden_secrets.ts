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

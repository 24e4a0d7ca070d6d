// Pure.
/**
 * Takes secrets out of what a service said, before anybody sees it.
 *
 * @module
 */

/** Shorter ones are those of emulators ("test"): no secrets, and their removal would only garble the text. */
const SHORTEST_SECRET = 16;

/** The text with each of the secrets replaced. */
export function hideSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret !== undefined && secret.length >= SHORTEST_SECRET) {
      shown = shown.replaceAll(secret, "(hidden)");
    }
  }
  return shown;
}

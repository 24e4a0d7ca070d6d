// Pure.
/**
 * Makes any text fit to be shown: one line, no control characters (a terminal would obey them), no
 * credentials, limited length. All error texts that observe shows go through here.
 *
 * When AWS refuses a signature, it quotes the whole canonical request, session token included. So even the
 * text of an error that we did not write can hold a secret.
 *
 * @module
 */

import { hideNamedSecrets } from "../aws/hidden_secrets.ts";
import { errorText } from "../errors.ts";

/** Longest text that is shown of one error or notice, in UTF-16 units. Long enough for a chain of causes. */
const MOST_CHARACTERS = 1000;

/** The text on one line, without control characters and credentials, cut at `most` UTF-16 units. */
export function oneLine(text: string, most: number = MOST_CHARACTERS): string {
  // Cut generously first, so that a body of megabytes costs nothing; then exactly, after secrets are removed.
  const flat = hideNamedSecrets(text.slice(0, 10 * most)).replace(COLOURS, "").replace(UNPRINTABLE, " ")
    .trim();
  return flat.length <= most ? flat : `${flat.slice(0, most - 1)}…`;
}

/**
 * Text of other programs without control characters, except line breaks and tabs, for a stream of text. Its
 * lines are kept, and its secrets are not ours to judge.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(
    /[^\n\t]+/g,
    (part) => part.replace(COLOURS, "").replace(UNPRINTABLE, " "),
  );
}

/** What {@linkcode oneLine} leaves of an error with its causes. Never throws, whatever was thrown. */
export function errorLine(error: unknown): string {
  return oneLine(errorText(error));
}

/** What sets a terminal's colours. Deno has it in the errors of modules that cannot be loaded. */
// deno-lint-ignore no-control-regex -- these are the characters to remove
const COLOURS = /\u001b\[[0-9;]*m/g;

/** C0 and C1 controls, line and paragraph separators, and the marks that turn the direction of writing. */
// deno-lint-ignore no-control-regex -- these are the characters to remove
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

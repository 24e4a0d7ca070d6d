/**
 * Finds where the options or settings of one part are spread into a call. The type checker refuses no surplus
 * key there. So it is not visible what the other part reads, and a renamed option is lost without an error.
 *
 * @module
 */

import { settingsOf } from "../../src/options/settings.ts";

/** One spread. */
export interface Spread {
  /** Where it is in the source. */
  readonly index: number;
  /** What is spread, e.g. `this.#options`. */
  readonly text: string;
}

/** Users pass flat options to these; a caller of them stands for a user. */
const TAKE_FLAT_OPTIONS: readonly string[] = ["KinesisWorker", "settingsOf"];

/** What may stand before a parenthesis that begins no arguments. */
const NO_CALLEES: ReadonlySet<string> = new Set(
  ["if", "for", "while", "switch", "return", "await", "yield", "typeof", "case", "throw", "in", "of", "void"],
);

/** A spread of a name, or of a field of something, and of nothing more. */
const SPREADS = /\.\.\.\s*\(?\s*((?:#?[\w$]+\??\.)*#?[\w$]+)(?=\s*(?:[,})]|as\b|\?\?|$))/g;

/**
 * The spreads of options, settings or a group of settings in an object that is an argument of a call or of
 * `new`, at any depth. Spreads of a part's own options, such as `this.#options`, count in any object.
 * Defaults merged with options into a value do not count.
 *
 * @param code Without the inside of comments and strings.
 */
export function settingsSpreads(code: string): Spread[] {
  const knowsSettings = /settings\b/i.test(code);
  return [...code.matchAll(SPREADS)].flatMap(({ 1: text = "", index }) => {
    const place = placeOf(code, index);
    if (place.type === "other") return [];
    const isOwn = /^this\.#?(?:options|settings)$/.test(text);
    const isSpread = isOwn || place.type === "argument" && isSettings(text, knowsSettings) &&
        !TAKE_FLAT_OPTIONS.includes(place.callee);
    return isSpread ? [{ index, text }] : [];
  });
}

/** The groups of settings, such as `leasing`. */
const GROUPS: ReadonlySet<string> = new Set(
  Object.entries(
    settingsOf({
      applicationName: "app",
      streamName: "words",
      processor: () => ({ processRecords() {}, shardEnded() {} }),
    }),
  ).flatMap(([name, value]) => typeof value === "object" ? [name] : []),
);

/**
 * @param knowsSettings Whether the file has settings at all: elsewhere the name of a group alone means
 * something else.
 */
function isSettings(text: string, knowsSettings: boolean): boolean {
  const name = text.split(/\??\.#?|^#/).at(-1) ?? "";
  return name === "options" || name === "settings" || knowsSettings && GROUPS.has(name);
}

/** What the object with the spread is: an argument, at whatever depth, or a value of its own. */
type Place =
  | { readonly type: "argument"; readonly callee: string }
  | { readonly type: "value" }
  /** It is no object: a list, or the arguments themselves. */
  | { readonly type: "other" };

function placeOf(code: string, index: number): Place {
  let at = openingBefore(code, index);
  if (code[at] !== "{") return { type: "other" };
  for (;;) {
    // From an object literal outwards.
    const before = code.slice(0, at).trimEnd();
    if (!/[(,:?[&|{]$|\.\.\.$/.test(before)) return { type: "value" };
    at = openingBefore(code, at);
    if (at < 0) return { type: "value" };
    if (code[at] === "{" || code[at] === "[") {
      if (code[at] === "{" && isBlock(code.slice(0, at).trimEnd())) return { type: "value" };
      continue;
    }
    const callee = calleeOf(code.slice(0, at).trimEnd());
    if (callee !== undefined) return { type: "argument", callee };
  }
}

/** The bracket within which `index` is; -1 at the top level. */
function openingBefore(code: string, index: number): number {
  let depth = 0;
  for (let at = index - 1; at >= 0; at--) {
    const char = code[at] ?? "";
    if (")]}".includes(char)) depth++;
    else if ("([{".includes(char) && --depth < 0) return at;
  }
  return -1;
}

/** Whether a brace after this text begins statements, or members of a class. */
function isBlock(before: string): boolean {
  return /(?:\)|=>|[;{}]|[\w$>])$/.test(before) && !/\b(?:return|yield|await|case)$/.test(before);
}

/** The function that a parenthesis after this text calls; undefined when it calls none. */
function calleeOf(before: string): string | undefined {
  // Type arguments: `new Map<string, number>(…)`.
  const bare = before.replace(/(?<!=)>$/, "") === before ? before : before.replace(/<[^<>=;(){}]*>$/, "");
  const name = /([\w$]+|[)\]]|\?\.)$/.exec(bare)?.[1];
  if (name === undefined || NO_CALLEES.has(name)) return undefined;
  return name;
}

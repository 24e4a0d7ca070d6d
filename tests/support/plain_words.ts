/**
 * Words that readers who are not native speakers of English stumble over, each with what to write in its
 * place. Documents keep the list, and so do the comments of src.
 *
 * @module
 */

/** A word that is out. */
export interface PlainWord {
  /** Finds the word in text; without flags. */
  readonly word: RegExp;
  /** What to write in its place. */
  readonly instead: string;
}

/**
 * Every word that is out. A spelling that has a plain meaning too is left alone: `so long as`, `told apart`,
 * dead letters.
 */
export const PLAIN_WORDS: readonly PlainWord[] = [
  { word: /\bado\b/, instead: "delay, steps" },
  { word: /\bheirs?\b/, instead: "successor" },
  { word: /\bbequeath(?:s|ed|ing)?\b/, instead: "hand over" },
  { word: /\bfarewells?\b/, instead: "shutdown, last step" },
  { word: /\bgood-?byes?\b/, instead: "shutdown, last step" },
  { word: /\bdethron(?:e|es|ed|ing)\b/, instead: "replace as the leader" },
  { word: /\bso many\b/, instead: "the number, or: at most this many, the number of" },
  { word: /\bso often\b/, instead: "how many times, or: the number of times" },
  { word: /\bso long\b(?! as\b)/, instead: "how long, or: the time in ms" },
  { word: /\bso far apart\b/, instead: "the pause between" },
  { word: /\bfor want of\b/, instead: "because there is no" },
  { word: /\bin (?:one|its|their)(?:'s)? mind\b/, instead: "in memory, as a plan" },
  { word: /\bthe dead\b(?![- ]letters?\b)/, instead: "workers that have died" },
  { word: /\bhas a word\b/, instead: "has a message" },
  { word: /\bno word more\b/, instead: "nothing more" },
  { word: /\bnewcomer's wish(?:es)?\b/, instead: "what a joining worker asks for" },
  { word: /\b(?:tells|told)\b(?! (?:\w+ )?(?:apart|from)\b)/, instead: "report, log, set, emit, show" },
  { word: /\btell (?:of|no|nothing|so)\b/, instead: "report, log, show" },
];

/**
 * What is wrong with a text: one complaint for each word, such as `says "so many": write …`.
 *
 * @param text Prose alone: no code, and no names of tests. Lines may break anywhere.
 */
export function plainWordProblems(text: string): string[] {
  const line = text.replace(/\s+/g, " ");
  return PLAIN_WORDS.flatMap(({ word, instead }) =>
    [...line.matchAll(new RegExp(word.source, "gi"))].map(([found]) => `says "${found}": write ${instead}`)
  );
}

// Pure.
/**
 * Guesses what a misspelt name was meant to be, and refuses options that there are not.
 *
 * @module
 */

/**
 * The name that is nearest, or undefined when none is near: at most a third of the letters may differ. Case,
 * dots and underscores do not count, so that `RetrievalMode` and `FAILOVER_TIME_MILLIS` are near too.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const letters = lettersOf(name);
  if (letters.length > MOST_LETTERS) return undefined;
  let nearest: string | undefined;
  let least = Math.floor(letters.length / 3) + 1;
  for (const candidate of names) {
    const distance = editDistance(letters, lettersOf(candidate));
    if (distance < least) {
      nearest = candidate;
      least = distance;
    }
  }
  return nearest;
}

/** No name is as long, and each letter costs a comparison with every letter of every name. */
const MOST_LETTERS = 200;

/** What is being refused. */
export interface NameCheck {
  /** Begins the message, e.g. `Cannot start worker`. */
  readonly action: string;
  /** Stands before each name, e.g. `billingMode.`. @default none */
  readonly prefix?: string;
}

/**
 * Refuses options with unknown names: TypeScript does so itself, JavaScript would continue with the default.
 *
 * @throws {TypeError} with the nearest name that there is.
 */
export function refuseUnknownNames(
  names: readonly string[],
  known: readonly string[],
  { action, prefix = "" }: NameCheck,
): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = nearestName(unknown, known);
  const mend = meant === undefined ? "remove it" : `did you mean ${meant}?`;
  throw new TypeError(`${action}: there is no option ${prefix}${unknown}: ${mend}`);
}

/** How many letters must be inserted, deleted, replaced or swapped with the next one to make `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

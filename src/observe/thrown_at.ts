// Pure.
/**
 * Finds the line of a user's code that threw an error.
 *
 * @module
 */

/** The most of a stack, and of one of its lines, that is looked at, in UTF-16 units. */
const MOST_STACK = 10_000, MOST_LINE = 1000;

/**
 * Where an error was thrown, as ` at words.ts:12:9`: the first frame of its stack that is not the runtime's
 * and not ours. Without folders, since a log leaves the developer's machine. Empty if the stack has no such
 * frame.
 */
export function thrownAt(error: unknown): string {
  try {
    if (!(error instanceof Error) || typeof error.stack !== "string") return "";
    // The message is first, and may look like a frame.
    const from = error.stack.indexOf(error.message) + error.message.length;
    for (const line of error.stack.slice(from, from + MOST_STACK).split("\n")) {
      const [, location = "", place = ""] = line.length > MOST_LINE ? [] : FRAME.exec(line) ?? [];
      if (location !== "" && !isRuntime(location) && !isOurs(location)) {
        return ` at ${location.split(/[/\\]/).at(-1)}${place}`;
      }
    }
  } catch {
    // A stack that throws when it is read: there is nothing to show.
  }
  return "";
}

/**
 * `at name (file:///folder/words.ts:12:9)`, and the same without a name: V8's form, which Bun's errors have
 * too.
 */
const FRAME = /^\s*at (?:async )?(?:[^(]* \()?(.+?)(:\d+:\d+)\)?$/;

function isRuntime(location: string): boolean {
  return /^(?:node|ext|bun):|^native$|<anonymous>/.test(location);
}

function isOurs(location: string): boolean {
  return OURS !== undefined && OURS.some((place) => pathOf(location).startsWith(place));
}

/** Bun writes frames of modules as paths, the others as URLs. */
function pathOf(location: string): string {
  return location.replace(/^file:\/\//, "");
}

/**
 * Undefined in a bundle: a frame's owner cannot be known there, and the first frame is usually the thrower's.
 */
const OURS: readonly string[] | undefined = ourPlaces(import.meta.url);

function ourPlaces(thisModule: string | undefined): readonly string[] | undefined {
  const [, root] = /^(.*\/)src\/observe\/thrown_at\.[jt]s$/.exec(pathOf(thisModule ?? "")) ?? [];
  return root === undefined ? undefined : [`${root}src/`, `${root}cli.`];
}

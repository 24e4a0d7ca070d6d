/**
 * Compares values by what they hold, and throws where they differ. Test frameworks have this; a contract that
 * runs in all of them cannot use theirs.
 *
 * @module
 */

/**
 * Throws unless both hold the same. A property that is `undefined` is the same as one that is missing.
 *
 * @throws {Error} that says what was expected and what was found.
 */
export function expectEqual(found: unknown, expected: unknown, what: string): void {
  const [foundText, expectedText] = [canonical(found), canonical(expected)];
  if (foundText !== expectedText) {
    throw new Error(`Cannot accept ${what}: expected ${expectedText}: got ${foundText}`);
  }
}

/** Throws unless it is true. */
export function expect(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(`Cannot accept the store: expected ${what}`);
}

/**
 * Throws unless the call rejects.
 *
 * @returns What it rejects with.
 */
export async function rejection(call: () => Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown;
  try {
    value = await call();
  } catch (error) {
    return error;
  }
  throw new Error(`Cannot accept ${what}: expected a rejection: got ${canonical(value)}`);
}

/** The value as text: equal for equal values, whatever the order of properties. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes(${[...value].join(" ")})`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(", ")}]`;
  if (typeof value !== "object" || value === null) {
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => a < b ? -1 : 1);
  return `{${fields.map(([name, field]) => `${name}: ${canonical(field)}`).join(", ")}}`;
}

// Pure.
/**
 * Checks the fields of an answer before they are used. An answer of a wrong shape is a `SyntaxError`, which
 * makes it malformed. Such a request is sent again, and nothing of the answer reaches a processor or the
 * lease table.
 *
 * Null counts as absent, since emulators send it where AWS leaves a field out. No message repeats a value,
 * since it may be part of a record.
 *
 * @module
 */

/** An object of an answer, unchanged. */
export type Fields = Readonly<Record<string, unknown>>;

/** @param what Names the value for people. @throws {SyntaxError} when it is no object. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw unexpected(what, "an object", value);
  }
  return value as Fields;
}

/** A list that must be there. @throws {SyntaxError} */
export function listIn(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw unexpected(name, "a list", value);
  return value;
}

/** A list that may be absent. @throws {SyntaxError} */
export function optionalListIn(fields: Fields, name: string): readonly unknown[] {
  return fields[name] == null ? [] : listIn(fields, name);
}

/** A text that must be there, and is not empty. @throws {SyntaxError} */
export function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw unexpected(name, "a text", value);
  return value;
}

/** A text that may be absent. @throws {SyntaxError} */
export function optionalTextIn(fields: Fields, name: string): string | undefined {
  return fields[name] == null ? undefined : textIn(fields, name);
}

/** A finite number >= 0 that may be absent. @throws {SyntaxError} */
export function optionalNumberIn(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value == null) return undefined;
  if (typeof value !== "number" || !(value >= 0 && value < Infinity)) {
    throw unexpected(name, "a number from 0 on", value);
  }
  return value;
}

/** Says what was expected, and the kind of the value that was found. */
export function unexpected(what: string, wanted: string, value: unknown): SyntaxError {
  return new SyntaxError(`expected ${what} to be ${wanted}: got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (value == null) return "none";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "string" ? `text of ${value.length} characters` : `another ${typeof value}`;
}

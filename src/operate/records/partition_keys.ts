/**
 * The partition key of a line: one for all, one by chance, or a field of a JSON line.
 *
 * @module
 */

import { randomUuid } from "../../system.ts";

/** Where partition keys come from. */
export type KeySource =
  | { readonly type: "fixed"; readonly key: string }
  | { readonly type: "random" }
  | { readonly type: "field"; readonly name: string };

/** The most characters of a key. Source: the API reference of Kinesis, PutRecordsRequestEntry. */
const MOST_CHARACTERS = 256;

/** A key, or why there is none, for people. */
export type KeyOutcome = { readonly key: string } | { readonly problem: string };

/** The key of a line. @param random For a key by chance. */
export function partitionKeyOf(source: KeySource, data: Uint8Array, random: () => number): KeyOutcome {
  switch (source.type) {
    case "fixed":
      return checked(source.key, "the partition key");
    case "random":
      return { key: randomUuid(random) };
    case "field":
      return fieldKey(source.name, data);
  }
}

function fieldKey(name: string, data: Uint8Array): KeyOutcome {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(data));
  } catch {
    return { problem: "it is not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: "it is no JSON object" };
  }
  const field: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  if (field === undefined || field === null) return { problem: `it has no field ${JSON.stringify(name)}` };
  if (typeof field === "object") return { problem: `its field ${JSON.stringify(name)} is no text or number` };
  if (Number.isInteger(field) && !Number.isSafeInteger(field)) {
    return { problem: `its field ${JSON.stringify(name)} is a number that is rounded when it is read` };
  }
  return checked(String(field), `its field ${JSON.stringify(name)}`);
}

function checked(key: string, what: string): KeyOutcome {
  const length = [...key].length;
  if (length >= 1 && length <= MOST_CHARACTERS) return { key };
  return { problem: `${what} has ${length} characters: a key has 1 to ${MOST_CHARACTERS}` };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

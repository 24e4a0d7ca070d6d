// Pure.
/**
 * The sources of properties: a file, the environment, the command line. Each entry says where it was set, as
 * an error about it will name the place.
 *
 * @module
 */

import { readProperties } from "./properties.ts";
import { PROPERTIES } from "./property_table.ts";

/** A property as some source gives it. */
export interface SourcedEntry {
  readonly key: string;
  readonly value: string;
  /** e.g. `"app.properties" line 12`, `--set`, `KCLITE_STREAM_NAME`. */
  readonly where: string;
}

/**
 * The entries of a file.
 *
 * @throws {SyntaxError} as {@linkcode readProperties}.
 */
export function fileEntries(text: string, fileName: string): SourcedEntry[] {
  return readProperties(text, fileName).map(({ key, value, line }) => ({
    key,
    value,
    where: `${JSON.stringify(fileName)} line ${line}`,
  }));
}

/**
 * The variable that sets a property: `streamName` is `KCLITE_STREAM_NAME`, `dynamoDBEndpoint` is
 * `KCLITE_DYNAMODB_ENDPOINT`.
 */
export function variableOf(name: string): string {
  const words = name.replace(/dynamoDb/gi, "Dynamodb").replace(/KBps/, "Kbps")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2");
  return PREFIX + words.replaceAll(".", "_").toUpperCase();
}

/**
 * The entries of an environment.
 *
 * @param lookup Gives a variable. Called for one name after the other, since a program may not be allowed to
 * see them all.
 * @param names The names of all variables, if they may be seen: finds the misspelt ones.
 */
export function environmentEntries(
  lookup: (name: string) => string | undefined,
  names: readonly string[] = [],
): SourcedEntry[] {
  const keys = PROPERTIES.flatMap(({ name, aliases }) => [name, ...aliases]);
  const known = new Map(keys.map((key) => [variableOf(key), key]));
  const unknown = names.filter((name) => name.startsWith(PREFIX) && !known.has(name));
  return [...known, ...unknown.map((name) => [name, name] as const)].flatMap(([variable, key]) => {
    const value = lookup(variable);
    return value === undefined ? [] : [{ key, value, where: variable }];
  });
}

const PREFIX = "KCLITE_";

/**
 * Reads YAML, for tests of files that other programs read. The one file that names the package.
 *
 * @module
 */

import { parseAllDocuments } from "npm:yaml@2.9.1";

/** A value of a YAML file that a test walks through. */
export type YamlValue = string | number | boolean | null | readonly YamlValue[] | YamlMap;

/** A mapping. */
export interface YamlMap {
  readonly [key: string]: YamlValue | undefined;
}

/**
 * The documents of a file.
 *
 * @throws {SyntaxError} when one is no YAML, or has a key twice.
 */
export function yamlDocuments(text: string): YamlMap[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw new SyntaxError(problem.message);
    return mapAt(document.toJS() as YamlValue);
  });
}

/** The only document of a file of the repository. */
export async function yamlFile(path: string): Promise<YamlMap> {
  const [document, ...others] = yamlDocuments(
    await Deno.readTextFile(new URL(`../../${path}`, import.meta.url)),
  );
  if (document === undefined || others.length > 0) throw new SyntaxError(`expected one document in ${path}`);
  return document;
}

/** What stands at a path of keys and places in lists; undefined if nothing does. */
export function valueAt(
  value: YamlValue | undefined,
  ...path: readonly (string | number)[]
): YamlValue | undefined {
  let at = value;
  for (const key of path) {
    if (at === null || typeof at !== "object") return undefined;
    at = (at as Readonly<Record<string | number, YamlValue | undefined>>)[key];
  }
  return at;
}

/** A mapping at a path. @throws {TypeError} when there is something else. */
export function mapAt(value: YamlValue | undefined, ...path: readonly (string | number)[]): YamlMap {
  const at = valueAt(value, ...path);
  if (at === null || typeof at !== "object" || Array.isArray(at)) {
    throw new TypeError(`expected a mapping at ${path.join(".")}: got ${JSON.stringify(at)}`);
  }
  return at as YamlMap;
}

/** A list at a path. @throws {TypeError} when there is something else. */
export function listAt(
  value: YamlValue | undefined,
  ...path: readonly (string | number)[]
): readonly YamlValue[] {
  const at = valueAt(value, ...path);
  if (!Array.isArray(at)) {
    throw new TypeError(`expected a list at ${path.join(".")}: got ${JSON.stringify(at)}`);
  }
  return at;
}

/** A text at a path. @throws {TypeError} when there is something else. */
export function textAt(value: YamlValue | undefined, ...path: readonly (string | number)[]): string {
  const at = valueAt(value, ...path);
  if (typeof at !== "string") {
    throw new TypeError(`expected a text at ${path.join(".")}: got ${JSON.stringify(at)}`);
  }
  return at;
}

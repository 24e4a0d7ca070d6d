/**
 * Reads documentation out of source text: the members of an interface or of a union, each with its comment.
 * It relies on the layout of `deno fmt`, and needs no parser for that.
 *
 * @module
 */

/** A comment, without its stars. */
export interface Doc {
  /** The text, one line for each paragraph. */
  readonly paragraphs: readonly string[];
  /** What stands after `@default`. A literal is in braces, as TypeDoc has it. */
  readonly default: string | undefined;
}

/** A member of an interface or an object type. */
export interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  /** On one line; without the `undefined` of an optional field. */
  readonly type: string;
  readonly doc: Doc | undefined;
}

/** A member of a union. */
export interface Member {
  /** As in the source, on one line: `"taken"`, `Name`, `{ … }`. */
  readonly text: string;
  /** The fields, where it is an object type. */
  readonly fields: readonly Field[];
  readonly doc: Doc | undefined;
}

/**
 * The fields of an exported interface, in the order of the source.
 *
 * @throws {RangeError} when the source has no such interface.
 */
export function interfaceFields(source: string, name: string): readonly Field[] {
  return fieldsOf(blockAfter(source, new RegExp(`^export interface ${name}\\b.*\\{$`), /^\}$/, name), 2);
}

/**
 * The members of an exported union, in the order of the source.
 *
 * @throws {RangeError} when the source has no such union.
 */
export function unionMembers(source: string, name: string): readonly Member[] {
  const lines = blockAfter(source, new RegExp(`^export type ${name} =$`), /^(?! {2})/, name);
  const members: { doc: Doc | undefined; lines: string[] }[] = [];
  let doc: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (/^ {2}(?:\/\*\*| \*)/.test(line)) doc.push(line);
    else if (/^ {2}\| /.test(line)) {
      members.push({ doc: doc.length === 0 ? undefined : docOf(doc), lines: [line.slice(4)] });
      doc = [];
    } else members.at(-1)?.lines.push(line);
  }
  return members.map(({ doc, lines }) => {
    const text = lines.map((line) => line.trim()).join(" ").replace(/;$/, "");
    return { doc, text, fields: text.startsWith("{") ? objectFields(lines, text) : [] };
  });
}

/**
 * The comment of an exported class, interface, type or function.
 *
 * @throws {RangeError} when the source has no such declaration, or one without a comment.
 */
export function docOfExport(source: string, name: string): Doc {
  const lines = source.split("\n");
  const at = lines.findIndex((line) => new RegExp(`^export \\w+ ${name}\\b`).test(line));
  const from = lines.slice(0, at).findLastIndex((line) => line.startsWith("/**"));
  if (at <= 0 || lines[at - 1]?.endsWith("*/") !== true) {
    throw new RangeError(`Cannot read the comment of ${name}: expected one right before its declaration`);
  }
  return docOf(lines.slice(from, at));
}

function objectFields(lines: readonly string[], text: string): readonly Field[] {
  if (lines.length > 1) return fieldsOf(lines.slice(1, -1), 4);
  return fieldsOf(text.slice(1, -1).trim().split("; ").map((field) => `${field};`), 0);
}

/** Fields that are indented by `indent`; the last line of each ends with a semicolon. */
function fieldsOf(lines: readonly string[], indent: number): readonly Field[] {
  const fields: Field[] = [];
  let doc: string[] = [], code: string[] = [];
  for (const line of lines) {
    const text = line.slice(indent);
    if (code.length === 0 && /^(?:\/\*\*| \*)/.test(text)) doc.push(line);
    else if (text.trim() !== "") code.push(text.trim());
    if (code.at(-1)?.endsWith(";") !== true) continue;
    const match = /^(?:readonly )?(\w+)(\?)?:\s*(.*);$/.exec(code.join(" "));
    if (match !== null) {
      const [, name = "", optional, type = ""] = match;
      fields.push({
        name,
        isOptional: optional !== undefined,
        type: shortType(type, optional !== undefined),
        doc: doc.length === 0 ? undefined : docOf(doc),
      });
    }
    [doc, code] = [[], []];
  }
  return fields;
}

function shortType(type: string, isOptional: boolean): string {
  const text = type.replace(/^\| /, "");
  return isOptional ? text.replace(/ \| undefined$/, "").replace(/^\((.*)\)$/, "$1") : text;
}

function docOf(lines: readonly string[]): Doc {
  const text = lines
    .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\*)? ?/, "").replace(/\s*\*\/$/, ""))
    .join("\n");
  const [words = "", ...tags] = text.split(/^@/m);
  const value = tags.find((tag) => tag.startsWith("default "));
  return {
    paragraphs: words.trim().split(/\n{2,}/).map((paragraph) => paragraph.replaceAll("\n", " ").trim()),
    default: value?.slice("default ".length).replaceAll("\n", " ").trim(),
  };
}

/** The lines after the one that is `first`, up to the one that is `last`. */
function blockAfter(source: string, first: RegExp, last: RegExp, name: string): readonly string[] {
  const lines = source.split("\n");
  const from = lines.findIndex((line) => first.test(line));
  if (from < 0) {
    throw new RangeError(`Cannot read ${name}: expected ${first} in the source: got no such line`);
  }
  const length = lines.slice(from + 1).findIndex((line) => last.test(line));
  return lines.slice(from + 1, length < 0 ? lines.length : from + 1 + length);
}

// Pure.
/**
 * Reads `.properties` files as `java.util.Properties` does, and remembers on which line each entry began, so
 * that every later complaint can name it.
 *
 * Two things differ. Java reads Latin-1; we read UTF-8 if the bytes are UTF-8. And if the last line holds a
 * lone backslash, Java sees an entry without a key and we see none. The meaning of a value is not decided
 * here, and neither is that spaces around it do not count.
 *
 * Why our own reader: npm `properties-file` 5.0.7 differs from Java after a line that holds a lone backslash.
 * It cannot say on which line an invalid `\u` is. `dot-properties` 1.1.2 joins no line that ends in CR and
 * accepts an invalid `\u`.
 *
 * Source: OpenJDK 17, `java.util.Properties.load`, with which it was compared on random files.
 *
 * @module
 */

/** One entry, in the order of the file; the same key may occur again. */
export interface PropertyEntry {
  readonly key: string;
  /** As Java reads it: unescaped, spaces at its end kept. */
  readonly value: string;
  /** The line on which the entry began, from 1. */
  readonly line: number;
}

/**
 * The text of a file: UTF-8 where the bytes are valid UTF-8, with its byte order mark removed; else Latin-1,
 * as in Java.
 */
export function decodeProperties(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Not TextDecoder("latin1"): that label means windows-1252, which differs in 0x80 to 0x9f.
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
}

/**
 * The entries of a file.
 *
 * @param fileName For messages.
 * @throws {SyntaxError} when `\u` is not followed by four hexadecimal digits.
 */
export function readProperties(text: string, fileName: string): PropertyEntry[] {
  return logicalLines(text).map(({ text, line }) => {
    const keyEnd = endOfKey(text);
    const unescape = (part: string) =>
      part.replace(/\\(u[0-9a-fA-F]{4}|[^])?/g, (escape, code: string | undefined) => {
        if (code === "u") throw badUnicode(fileName, line, part);
        return code === undefined ? "" : unescaped(code, escape);
      });
    return {
      key: unescape(text.slice(0, keyEnd)),
      value: unescape(text.slice(startOfValue(text, keyEnd))),
      line,
    };
  });
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

/** Lines without comments and blank lines, those that end in a backslash joined with the next. */
function logicalLines(text: string): LogicalLine[] {
  const logical: LogicalLine[] = [];
  let begun: LogicalLine | undefined;
  text.split(/\r\n|\r|\n/).forEach((natural, index, { length }) => {
    const part = natural.replace(/^[ \t\f]+/, "");
    if (begun === undefined && /^(?:$|[#!])/.test(part)) return;
    const { text, line } = begun ?? { text: "", line: index + 1 };
    const isContinued = /(?<!\\)(?:\\\\)*\\$/.test(part);
    const joined = { text: text + (isContinued ? part.slice(0, -1) : part), line };
    const isLast = index + 1 === length;
    // A lone backslash begins nothing: what follows is a new line, and may be a comment.
    begun = isContinued && !isLast && joined.text !== "" ? joined : undefined;
    if (!isContinued || isLast) logical.push(joined);
  });
  return logical;
}

/** The key ends at the first separator that is not escaped. */
function endOfKey(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (/[=: \t\f]/.test(text.charAt(at))) return at;
  }
  return text.length;
}

/** After the key: spaces, at most one `=` or `:`, spaces. */
function startOfValue(text: string, keyEnd: number): number {
  const separator = /[ \t\f]*[=:]?[ \t\f]*/y;
  separator.lastIndex = keyEnd;
  separator.exec(text);
  return separator.lastIndex;
}

function unescaped(code: string, escape: string): string {
  switch (code) {
    case "t":
      return "\t";
    case "n":
      return "\n";
    case "r":
      return "\r";
    case "f":
      return "\f";
    default:
      // Java drops the backslash of an escape that it does not know.
      return code.length === 5 ? String.fromCharCode(parseInt(code.slice(1), 16)) : escape.slice(1);
  }
}

function badUnicode(fileName: string, line: number, part: string): SyntaxError {
  const found = /(?<!\\)(?:\\\\)*(\\u(?![0-9a-fA-F]{4}).{0,4})/.exec(part)?.[1] ?? "\\u";
  return new SyntaxError(
    `Cannot read ${JSON.stringify(fileName)} line ${line}: expected four hexadecimal digits after \\u: got ${
      JSON.stringify(found)
    }: write \\\\ for a backslash`,
  );
}

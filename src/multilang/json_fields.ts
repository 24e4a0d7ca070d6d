// Pure.
/**
 * Reads the fields of one JSON object with the text in which each value was written. `JSON.parse` alone would
 * round a 56-digit sequence number that a child wrote as a number, and would refuse an object with something
 * behind it.
 *
 * Source: what Jackson 2.21 makes of a line, tried out.
 *
 * @module
 */

/**
 * One value: its kind, and its text. A string's text is without quotes and escapes; any other value is
 * unchanged.
 */
export interface JsonField {
  readonly kind: "string" | "number" | "boolean" | "null" | "object" | "array";
  readonly text: string;
}

/**
 * Reads a line that begins, after spaces, with an object. What follows the object is not looked at; of two
 * fields with the same name the last counts.
 *
 * @returns Undefined when there is no whole, valid object.
 */
export function jsonFields(line: string): ReadonlyMap<string, JsonField> | undefined {
  try {
    return new FieldReader(line).read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Deeper lines are refused, as by Java's Jackson: `JSON.parse` takes seconds for a million levels. */
const MAX_DEPTH = 1000;

class FieldReader {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
  }

  read(): Map<string, JsonField> {
    const fields = new Map<string, JsonField>();
    this.#expect("{");
    if (this.#accept("}")) return fields;
    do {
      const name = this.#string();
      this.#expect(":");
      fields.set(name, this.#value());
    } while (this.#accept(","));
    this.#expect("}");
    return fields;
  }

  #value(): JsonField {
    switch (this.#peek()) {
      case '"':
        return { kind: "string", text: this.#string() };
      case "{":
        return { kind: "object", text: this.#nested() };
      case "[":
        return { kind: "array", text: this.#nested() };
    }
    const text = this.#match(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    const kind = text === "null" ? "null" : text === "true" || text === "false" ? "boolean" : "number";
    return { kind, text };
  }

  /**
   * Finds the closing quote, and leaves texts with escapes or control characters to `JSON.parse`, which costs
   * more.
   */
  #string(): string {
    if (this.#peek() !== '"') throw new SyntaxError(`expected a string at ${this.#at}`);
    const start = this.#at;
    this.#skipString();
    const plain = this.#line.slice(start + 1, this.#at - 1);
    // deno-lint-ignore no-control-regex -- they may not stand in a string of JSON
    if (!/[\\\u0000-\u001f]/.test(plain)) return plain;
    return JSON.parse(this.#line.slice(start, this.#at)) as string;
  }

  /** Finds the end of an object or array, and leaves the rest to `JSON.parse`. */
  #nested(): string {
    const start = this.#at;
    let depth = 0;
    do {
      const next = this.#line[this.#at];
      if (next === undefined) throw new SyntaxError("cut short");
      if (next === '"') this.#skipString();
      else {
        if ((next === "{" || next === "[") && ++depth >= MAX_DEPTH) throw new SyntaxError("nested too deep");
        if (next === "}" || next === "]") depth--;
        this.#at++;
      }
    } while (depth > 0);
    const text = this.#line.slice(start, this.#at);
    JSON.parse(text);
    return text;
  }

  #skipString(): void {
    let end = this.#at;
    do {
      end = this.#line.indexOf('"', end + 1);
      if (end === -1) throw new SyntaxError("cut short");
    } while (this.#isEscaped(end));
    this.#at = end + 1;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#line[at - 1 - backslashes] === "\\") backslashes++;
    return backslashes % 2 === 1;
  }

  #peek(): string | undefined {
    this.#match(/[ \t\r\n]*/y);
    return this.#line[this.#at];
  }

  #accept(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#accept(character)) throw new SyntaxError(`expected ${character} at ${this.#at}`);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#line)?.[0];
    if (text === undefined) throw new SyntaxError(`expected a value at ${this.#at}`);
    this.#at += text.length;
    return text;
  }
}

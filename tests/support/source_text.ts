/**
 * Reads TypeScript as text, far enough to separate code from comments and strings and to find imports. No
 * parser: the rules of `tidy_rules.ts` need no more, and a parser would be our largest dependency.
 *
 * @module
 */

/** One import, re-export or dynamic import. */
export interface ImportOf {
  readonly line: number;
  /** What stands between the quotes; undefined for a dynamic import whose argument is no plain string. */
  readonly specifier: string | undefined;
  /** `type`: gone at run time. `dynamic`: loaded only when that code runs. */
  readonly kind: "value" | "type" | "dynamic";
}

/**
 * The source with the inside of comments, strings, templates and regular expressions blanked. Length, quotes
 * and line breaks stay, so that an offset means the same in both; code inside `${}` stays too.
 */
export function codeOf(source: string): string {
  return codeAndComments(source).code;
}

/** A comment: where it begins, and its text with its slashes and stars. */
export interface Comment {
  readonly index: number;
  readonly text: string;
}

/** Every comment of a module, in order. Each line of `//` is one. */
export function commentsOf(source: string): readonly Comment[] {
  return codeAndComments(source).comments;
}

function codeAndComments(source: string): { readonly code: string; readonly comments: readonly Comment[] } {
  const comments: Comment[] = [];
  let code = "";
  let braces = 0;
  /** How many braces were open when each template's `${` began. */
  const templates: number[] = [];
  const take = (length: number) => code += source.slice(code.length, code.length + length);
  const blankTo = (end: number) => code += source.slice(code.length, end).replace(/[^\n]/g, " ");

  const commentTo = (end: number) => {
    comments.push({ index: code.length, text: source.slice(code.length, end) });
    blankTo(end);
  };

  const template = () => {
    while (code.length < source.length) {
      const at = code.length;
      if (source[at] === "\\") blankTo(at + 2);
      else if (source[at] === "`") return take(1);
      else if (source.startsWith("${", at)) {
        templates.push(braces);
        return take(2);
      } else blankTo(at + 1);
    }
  };

  while (code.length < source.length) {
    const at = code.length;
    const char = source[at];
    if (source.startsWith("//", at)) commentTo(indexOrEnd(source, "\n", at));
    else if (source.startsWith("/*", at)) commentTo(indexOrEnd(source, "*/", at + 2) + 2);
    else if (char === '"' || char === "'") {
      take(1);
      blankTo(endOfString(source, at + 1, char));
      take(1);
    } else if (char === "`") {
      take(1);
      template();
    } else if (char === "/" && startsRegExp(code)) {
      take(1);
      blankTo(endOfRegExp(source, at + 1));
      take(1);
    } else if (char === "}" && templates.at(-1) === braces) {
      templates.pop();
      take(1);
      template();
    } else {
      if (char === "{") braces++;
      if (char === "}") braces--;
      take(1);
    }
  }
  return { code, comments };
}

/** Every import of a module, in order. */
export function importsOf(source: string): ImportOf[] {
  const code = codeOf(source);
  const found: ImportOf[] = [];
  const pattern =
    /(?<![.\w$])(?:(import)\s*\(\s*|(?:import|export)\b(\s+type\b)?(?:[\s\w$*,{}]*?\bfrom)?\s*(?=["']))/g;
  for (const match of code.matchAll(pattern)) {
    const start = match.index + match[0].length;
    const quote = code[start];
    const isText = quote === '"' || quote === "'";
    const specifier = isText ? source.slice(start + 1, code.indexOf(quote, start + 1)) : undefined;
    const kind = match[1] !== undefined ? "dynamic" : match[2] !== undefined ? "type" : "value";
    found.push({ line: lineAt(source, match.index), specifier, kind });
  }
  return found;
}

/** The line of an offset, from 1. */
export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at !== -1 && at < offset; at = source.indexOf("\n", at + 1)) line++;
  return line;
}

function indexOrEnd(source: string, text: string, from: number): number {
  const at = source.indexOf(text, from);
  return at === -1 ? source.length : at;
}

function endOfString(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote || source[at] === "\n") return at;
  }
  return source.length;
}

/** A slash begins a regular expression where no value can have ended before it. */
function startsRegExp(codeBefore: string): boolean {
  const before = codeBefore.slice(-40).trimEnd();
  return before === "" || /[(,=:[!&|?{};+\-*%<>~^]$/.test(before) ||
    /(?<![.\w$])(?:return|typeof|case|in|of|await|void)$/.test(before);
}

function endOfRegExp(source: string, from: number): number {
  let isInClass = false;
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (char === "[") isInClass = true;
    else if (char === "]") isInClass = false;
    else if (char === "\n" || (char === "/" && !isInClass)) return at;
  }
  return source.length;
}

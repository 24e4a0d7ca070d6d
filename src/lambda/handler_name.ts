// Pure.
/**
 * Reads the name of a Lambda handler: `./index.mjs#handler`, or Lambda's own `index.handler`, which names no
 * extension. And finds the handler among what the module exports.
 *
 * Source: the AWS Lambda guide, "Define Lambda function handler in Node.js".
 *
 * @module
 */

import type { LambdaHandler } from "./handler_runner.ts";

/** Where a handler is. */
export interface HandlerName {
  /** Files that the module may be; exactly one of them should be there. */
  readonly files: readonly string[];
  /** The name of the export; with dots, of a member of an export. */
  readonly exportName: string;
}

/**
 * Reads a name.
 *
 * @throws {SyntaxError} when it is none.
 */
export function handlerName(text: string): HandlerName {
  const hash = text.lastIndexOf("#");
  if (hash > 0 && hash < text.length - 1) {
    return { files: filesOf(text.slice(0, hash)), exportName: text.slice(hash + 1) };
  }
  if (hash === -1 && hasExtension(text)) return { files: [text], exportName: "handler" };
  const nameAt = text.lastIndexOf("/") + 1;
  const dot = text.indexOf(".", nameAt);
  if (hash !== -1 || dot <= nameAt || dot === text.length - 1) {
    throw new SyntaxError(
      `Cannot use Lambda handler ${
        JSON.stringify(text)
      }: expected a file and an export, such as "./index.mjs#handler" ` +
        'or "index.handler"',
    );
  }
  return { files: filesOf(text.slice(0, dot)), exportName: text.slice(dot + 1) };
}

/** In the order in which Lambda's runtime looks; TypeScript is ours. */
const EXTENSIONS = ["js", "mjs", "cjs", "ts", "mts", "cts"];

function hasExtension(path: string): boolean {
  return EXTENSIONS.some((extension) => path.endsWith(`.${extension}`));
}

function filesOf(path: string): readonly string[] {
  return hasExtension(path) ? [path] : EXTENSIONS.map((extension) => `${path}.${extension}`);
}

/**
 * Finds the handler. The exports of a CommonJS module are those of its default export too.
 *
 * @param path How the module is called in messages.
 * @throws {TypeError} when there is no such export, or it is no function.
 */
export function handlerOf(
  exports: Readonly<Record<string, unknown>>,
  exportName: string,
  path: string,
): LambdaHandler {
  const found = memberOf(exports, exportName) ?? memberOf(exports["default"], exportName);
  if (isHandler(found)) return found;
  const shared = typeof exports["default"] === "object" && exports["default"] !== null
    ? exports["default"]
    : {};
  const names = [...new Set([...Object.keys(exports), ...Object.keys(shared)])].filter((name) =>
    name !== "module.exports"
  );
  const instead = found === undefined
    ? `there is none: it exports ${names.join(", ") || "nothing"}`
    : `got ${found === null ? "null" : typeof found}`;
  throw new TypeError(
    `Cannot use module ${JSON.stringify(path)}: expected the export "${exportName}" to be a handler ` +
      `(event, context) => …: ${instead}`,
  );
}

function isHandler(value: unknown): value is LambdaHandler {
  return typeof value === "function";
}

function memberOf(value: unknown, path: string): unknown {
  let member = value;
  for (const name of path.split(".")) {
    const isHolder = (typeof member === "object" && member !== null) || typeof member === "function";
    member = isHolder ? Reflect.get(member as object, name) : undefined;
  }
  return member;
}

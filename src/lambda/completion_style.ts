// Pure.
/**
 * Decides what ends a call of a handler that returned no promise. In Lambda such a call ends when the event
 * loop is empty, which no runtime shows to a program.
 *
 * A handler that may still end its call by a callback or by its context is waited for. If that is wrong, the
 * call times out, and says so. The other mistake would acknowledge records whose processing has just begun.
 *
 * Source: the AWS Lambda guide, handlers in Node.js; older runtimes had `context.done`, `fail` and `succeed`.
 *
 * @module
 */

/** What ends the call. */
export type CompletionStyle = "return" | "callback";

/** Looks at how many parameters a handler takes, and at what its text does with the second one. */
export function completionStyle(handler: (...args: never[]) => unknown): CompletionStyle {
  if (handler.length >= 3) return "callback";
  const source = Function.prototype.toString.call(handler);
  if (/\barguments\b|\(\s*\.\.\./.test(source)) return "callback";
  const head = /^(?:async\s+)?(?:function\b[^(]*|[\w$]+\s*)?\(\s*[^,()]+,\s*([^,()]*)/.exec(source);
  const second = head?.[1]?.trim() ?? "";
  if (second.startsWith("{")) return /\b(?:done|fail|succeed)\b/.test(source) ? "callback" : "return";
  if (!/^[\w$]+$/.test(second)) return "return";
  const body = source.slice(head?.[0].length).replace(SHOWN, "");
  const name = second.replaceAll("$", "\\$");
  return new RegExp(`(?<![\\w$.])${name}(?![\\w$])(?!\\s*\\??\\.(?!\\s*(?:done|fail|succeed)\\b))`).test(
      body,
    )
    ? "callback"
    : "return";
}

/** To show a context is no reason to wait for it. */
const SHOWN = /\b(?:console\.\w+|JSON\.stringify|inspect)\([^()]*(?:\([^()]*\)[^()]*)*\)/g;

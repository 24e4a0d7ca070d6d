// Pure.
/**
 * What may be shown of an error that other code threw while it held secrets.
 *
 * @module
 */

/**
 * The first line, cut off. A process that failed is reported without its command line and without its output.
 */
export function foreignReason(error: unknown): string {
  if (!(error instanceof Error)) return "it failed with something that is no Error";
  if (error.message.startsWith("Command failed")) return "its credential_process failed";
  if (/invalid header value|not a legal http header|invalid character in header/i.test(error.message)) {
    return "a key has characters that no header may have";
  }
  const [line = ""] = error.message.split(/[\r\n]/);
  return line.slice(0, 300) || error.name;
}

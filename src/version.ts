// Pure.
/**
 * The version of this program; the same as in deno.json, which a test checks.
 *
 * @module
 */

/** As `--version`, the log and `/metrics` name it. */
export const VERSION = "0.1.0";

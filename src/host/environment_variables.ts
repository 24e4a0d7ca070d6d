/**
 * Environment variables, as far as this program may see them.
 *
 * @module
 */

import process from "node:process";

/** A variable; undefined also where it may not be seen. */
export function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined; // under Deno, without permission
  }
}

/** The names of all variables; none where they may not all be seen. Asks the user for nothing. */
export function variableNames(): string[] {
  const mayRead = !("Deno" in globalThis) || Deno.permissions.querySync({ name: "env" }).state === "granted";
  return mayRead ? Object.keys(process.env) : [];
}

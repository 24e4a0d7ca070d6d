/**
 * Environment variables, as far as this program may see them. There are none where the runtime has no process.
 *
 * @module
 */

interface WithProcess {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** A variable; undefined also where it may not be seen. */
export function variable(name: string): string | undefined {
  try {
    return (globalThis as WithProcess).process?.env?.[name];
  } catch {
    return undefined; // under Deno, without permission
  }
}

/** The names of all variables; none where they may not all be seen. Asks the user for nothing. */
export function variableNames(): string[] {
  const mayRead = !("Deno" in globalThis) || Deno.permissions.querySync({ name: "env" }).state === "granted";
  return mayRead ? Object.keys((globalThis as WithProcess).process?.env ?? {}) : [];
}

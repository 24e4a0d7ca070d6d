/**
 * Environment variables, as far as this program may see them. There are none if the runtime has no process.
 *
 * @module
 */

interface WithProcess {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** A variable; undefined also if it may not be seen. */
export function variable(name: string): string | undefined {
  try {
    return (globalThis as WithProcess).process?.env?.[name];
  } catch {
    return undefined; // under Deno, without permission
  }
}

/** A permission of Deno. */
export type Permission =
  | { readonly name: "env"; readonly variable?: string }
  | { readonly name: "read"; readonly path: string };

/** Spelled out, since the library is checked without Deno's types too. */
interface WithDeno {
  readonly Deno?: { readonly permissions: { querySync(permission: Permission): { readonly state: string } } };
}

/** Whether something is permitted already, so that the user is not asked for it. Always so but under Deno. */
export function isGranted(permission: Permission): boolean {
  const { Deno: deno } = globalThis as WithDeno;
  return deno === undefined || deno.permissions.querySync(permission).state === "granted";
}

/** The names of all variables; none if they may not all be seen. Asks the user for nothing. */
export function variableNames(): string[] {
  return isGranted({ name: "env" }) ? Object.keys((globalThis as WithProcess).process?.env ?? {}) : [];
}

/**
 * Sets variables of this process that are not set yet, for a module that reads them. Nothing happens where
 * that is not permitted. The user is asked for nothing.
 */
export function setMissingVariables(variables: Readonly<Record<string, string>>): void {
  const { process } = globalThis as { process?: { readonly env?: Record<string, string | undefined> } };
  for (const [name, value] of Object.entries(variables)) {
    if (process?.env === undefined || !isGranted({ name: "env", variable: name })) continue;
    process.env[name] ??= value;
  }
}

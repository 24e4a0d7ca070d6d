/**
 * Sees to it that requests go through the proxy that `HTTPS_PROXY` or `HTTP_PROXY` names. The `fetch` of Deno
 * and of Bun does so by itself. That of Node.js does so only when it is asked to: by `NODE_USE_ENV_PROXY=1`
 * as it starts, or by a function that Node.js 24.14 and 25.4 brought.
 *
 * Source: https://nodejs.org/api/http.html, "Built-in Proxy Support".
 *
 * @module
 */

/** What of Node.js matters here. */
export interface ProxyingNode {
  /** e.g. `22.21.0`. */
  readonly version: string;
  /** Arguments of Node.js itself. */
  readonly execArgv: readonly string[];
  /** Where Node.js has it. @throws when a variable names no proxy */
  readonly setGlobalProxyFromEnv?: ((env: Readonly<Record<string, string>>) => unknown) | undefined;
}

/** Node.js reads the names in small letters first. */
const PROXIES = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"] as const;
const EXCEPTIONS = ["no_proxy", "NO_PROXY"] as const;

/**
 * Makes `fetch` heed the variables, where it does not yet.
 *
 * @param env Looks up environment variables.
 * @param node undefined in other runtimes.
 * @returns A warning where the variables are ignored; undefined when all is well.
 * @throws {TypeError} when Node.js refuses what a variable names.
 */
export function useEnvironmentProxy(
  env: (name: string) => string | undefined,
  node: ProxyingNode | undefined,
): string | undefined {
  if (node === undefined) return undefined; // asks for no variable, which Deno may not permit
  const named = PROXIES.find((name) => (env(name) ?? "") !== "");
  if (named === undefined) return undefined;
  const knowsSwitch = isAtLeast(node.version, 24, 5) ||
    (node.version.startsWith("22.") && isAtLeast(node.version, 22, 21));
  const { setGlobalProxyFromEnv } = node;
  if (knowsSwitch && isSwitchedOn(env, node.execArgv)) return undefined;
  if (setGlobalProxyFromEnv === undefined) {
    const remedy = knowsSwitch
      ? "set NODE_USE_ENV_PROXY=1 before the start"
      : "use Node.js 22.21 or newer with NODE_USE_ENV_PROXY=1, or Deno";
    return `${named} is ignored by Node.js ${node.version}: ${remedy}`;
  }
  const variables = [...PROXIES, ...EXCEPTIONS].map((name) => [name, env(name) ?? ""] as const);
  try {
    setGlobalProxyFromEnv(Object.fromEntries(variables.filter(([, value]) => value !== "")));
  } catch (error) {
    // What Node.js says may repeat the value, and with it a password.
    throw new TypeError(
      `Cannot use ${named}: expected the URL of a proxy, http://HOST:PORT: got what Node.js refuses`,
      { cause: error instanceof Error ? error.name : typeof error },
    );
  }
  return undefined;
}

/** The Node.js that this program runs in; undefined in Deno and Bun, which also have a `process`. */
export async function thisNode(): Promise<ProxyingNode | undefined> {
  if ("Deno" in globalThis || "Bun" in globalThis) return undefined;
  const { default: process } = await import("node:process");
  const http: Pick<ProxyingNode, "setGlobalProxyFromEnv"> & { readonly default: unknown } = await import(
    "node:http"
  );
  return {
    version: process.versions.node,
    execArgv: process.execArgv,
    setGlobalProxyFromEnv: http.setGlobalProxyFromEnv,
  };
}

function isSwitchedOn(env: (name: string) => string | undefined, execArgv: readonly string[]): boolean {
  const options = [...execArgv, ...(env("NODE_OPTIONS") ?? "").split(/\s+/)];
  return env("NODE_USE_ENV_PROXY") === "1" || options.includes("--use-env-proxy");
}

function isAtLeast(version: string, wantedMajor: number, wantedMinor: number): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

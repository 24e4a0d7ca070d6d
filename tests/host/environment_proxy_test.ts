import { assertEquals, assertThrows } from "@std/assert";
import { thisNode, useEnvironmentProxy } from "../../src/host/environment_proxy.ts";

const PROXY = "http://user:secret@proxy.internal:3128";

/** What is said, and what the function of Node.js was called with. */
function tried(
  variables: Readonly<Record<string, string>>,
  version: string,
  { execArgv = [], hasFunction = false }: { readonly execArgv?: string[]; readonly hasFunction?: boolean } =
    {},
) {
  const calls: unknown[] = [];
  const says = useEnvironmentProxy((name) => new Map(Object.entries(variables)).get(name), {
    version,
    execArgv,
    setGlobalProxyFromEnv: hasFunction ? (env) => calls.push(env) : undefined,
  });
  return { says, calls };
}

Deno.test("useEnvironmentProxy() gives Node.js the variables, where it takes them while it runs", () => {
  assertEquals(tried({ HTTPS_PROXY: PROXY, NO_PROXY: "127.0.0.1" }, "24.14.0", { hasFunction: true }), {
    says: undefined,
    calls: [{ HTTPS_PROXY: PROXY, NO_PROXY: "127.0.0.1" }],
  });
});

Deno.test("useEnvironmentProxy() does nothing without a proxy, in other runtimes, and where Node.js was asked already", () => {
  const nothing = { says: undefined, calls: [] };
  assertEquals(tried({ NO_PROXY: "a", HTTPS_PROXY: "" }, "24.14.0", { hasFunction: true }), nothing);
  assertEquals(useEnvironmentProxy(() => PROXY, undefined), undefined);
  const HTTPS_PROXY = PROXY;
  assertEquals(tried({ HTTPS_PROXY, NODE_USE_ENV_PROXY: "1" }, "22.21.0"), nothing);
  assertEquals(tried({ HTTPS_PROXY, NODE_OPTIONS: "-r x --use-env-proxy" }, "24.5.0"), nothing);
  assertEquals(tried({ HTTPS_PROXY }, "24.5.0", { execArgv: ["--use-env-proxy"] }), nothing);
});

Deno.test("useEnvironmentProxy() says which variable is ignored, and what to do with this Node.js", () => {
  assertEquals(
    tried({ https_proxy: PROXY }, "22.21.0").says,
    "https_proxy is ignored by Node.js 22.21.0: set NODE_USE_ENV_PROXY=1 before the start",
  );
  for (const version of ["20.20.2", "22.20.0", "23.11.0", "24.4.1"]) {
    assertEquals(
      tried({ HTTP_PROXY: PROXY, NODE_USE_ENV_PROXY: "1" }, version).says,
      `HTTP_PROXY is ignored by Node.js ${version}: use Node.js 22.21 or newer with NODE_USE_ENV_PROXY=1, or Deno`,
    );
  }
});

Deno.test("useEnvironmentProxy() refuses what Node.js refuses, and repeats no password", () => {
  const error = assertThrows(
    () =>
      useEnvironmentProxy((name) => name === "HTTPS_PROXY" ? PROXY : undefined, {
        version: "26.0.0",
        execArgv: [],
        setGlobalProxyFromEnv() {
          throw new TypeError(`Invalid URL: ${PROXY}`);
        },
      }),
    TypeError,
    "Cannot use HTTPS_PROXY: expected the URL of a proxy",
  );
  assertEquals(`${error.message} ${error.cause}`.includes("secret"), false);
});

Deno.test("thisNode() is undefined in Deno, whose fetch heeds the variables by itself", async () => {
  assertEquals(await thisNode(), undefined);
});

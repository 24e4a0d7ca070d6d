/** Requests that no proxy may see, in each runtime that is there, beside a proxy that notes what it sees. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { directFetch } from "../../src/host/direct_fetch.ts";
import { CliProcess } from "../support/cli_process.ts";
import { canRun, runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";

const ROOT = new URL("../../", import.meta.url);
const loopback = { port: 0, hostname: "127.0.0.1", onListen: () => {} } as const;

/** A proxy that answers by itself, and what it saw: request lines, headers and bodies. */
function recordingProxy() {
  const seen: string[] = [];
  const server = Deno.serve(loopback, async (request) => {
    seen.push(
      `${request.method} ${request.url} ${JSON.stringify([...request.headers])} ${await request.text()}`,
    );
    return new Response("from the proxy", { status: 502 });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
  // NODE_USE_ENV_PROXY makes Node.js, and node:http under Deno, look at the others.
  const env = { ...Object.fromEntries(names.map((name) => [name, url])), NODE_USE_ENV_PROXY: "1" };
  return { seen, env, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("directFetch() answers like fetch, and follows no redirect", async () => {
  await using server = Deno.serve(loopback, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/moved") return Response.redirect(new URL("/", request.url), 302);
    if (pathname === "/empty") return new Response(null, { status: 204 });
    if (pathname === "/large") return new Response(new Uint8Array(1_048_577));
    const text = `${request.method} ${request.headers.get("authorization")} ${await request.text()}`;
    return new Response(text, { status: 201, headers: { "x-own": "a" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const answer = await directFetch(`${url}/x`, {
    method: "PUT",
    headers: { authorization: "token" },
    body: "body",
  });
  assertEquals([answer.status, answer.headers.get("x-own"), await answer.text()], [
    201,
    "a",
    "PUT token body",
  ]);
  assertEquals((await directFetch(`${url}/moved`)).status, 302);
  assertEquals(await (await directFetch(new URL(`${url}/empty`))).text(), "");
  await assertRejects(() => directFetch(`${url}/large`), Error, "more than 1048576 bytes");
});

Deno.test("directFetch() ends with its signal, and says when nobody is there", async () => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const server = Deno.serve(loopback, async () => {
    asked.resolve();
    await release.promise;
    return new Response("late");
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const stop = new AbortController();
  const reason = new Error("enough");
  const result = directFetch(url, { signal: stop.signal }).catch((error) => error);
  await asked.promise;
  stop.abort(reason);
  assertEquals(await result, reason);
  assertEquals(await directFetch(url, { signal: stop.signal }).catch((error) => error), reason);
  release.resolve();
  await server.shutdown();
  await assertRejects(() => directFetch(url));
});

const RUNTIMES: readonly (readonly [string, readonly string[]])[] = [
  [Deno.execPath(), ["run", "-A", "--no-config"]],
  ["node", []],
  ["bun", []],
];
for (const [program, args] of RUNTIMES) {
  const name = program.split("/").at(-1);
  Deno.test({
    name: `directFetch() goes past the proxy in ${name}`,
    ignore: !await canRun(program),
    async fn() {
      await using proxy = recordingProxy();
      await using agent = Deno.serve(
        loopback,
        (request) => new Response(`agent:${request.headers.get("authorization")}`),
      );
      const url = `http://127.0.0.1:${agent.addr.port}/v1/credentials`;
      await withFolder({
        "main.ts": `import { directFetch } from ${
          JSON.stringify(new URL("src/host/direct_fetch.ts", ROOT).href)
        };
const answer = await directFetch(${JSON.stringify(url)}, { headers: { authorization: "pod-token" } });
console.log(await answer.text());`,
      }, async (folder) => {
        const bundle = ["bundle", "--platform=deno", "--output", `${folder}/main.mjs`, `${folder}/main.ts`];
        const made = await runCommand(Deno.execPath(), bundle);
        assertEquals(made.code, 0, made.stderr);
        const { stdout, stderr } = await runCommand(program, [...args, `${folder}/main.mjs`], {
          env: proxy.env,
        });
        assertEquals(stdout.trim(), "agent:pod-token", stderr);
      });
      assertEquals(proxy.seen, []);
    },
  });
}

Deno.test("the command line sends no token of an agent and no metadata request to HTTP_PROXY", async () => {
  await using proxy = recordingProxy();
  const asked: string[] = [];
  await using agent = Deno.serve(loopback, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname} ${request.headers.get("authorization") ?? ""}`);
    if (pathname === "/latest/api/token") return new Response("metadata-token");
    if (pathname.endsWith("/region")) return new Response("eu-central-1");
    return Response.json({
      AccessKeyId: "POD",
      SecretAccessKey: "s",
      Token: "t",
      Expiration: "2999-01-01T00:00:00Z",
    });
  });
  const here = `http://127.0.0.1:${agent.addr.port}`;
  await withFolder(
    { "words.ts": "export default () => ({ processRecords() {}, shardEnded() {} });" },
    async (folder) => {
      await using program = new CliProcess({
        deno: ["run", "-A", "--no-check", "--cached-only", new URL("cli.ts", ROOT).href],
        args: [
          "--application",
          "app",
          "--stream",
          "s",
          "--executable",
          `${folder}/words.ts`,
          "--kinesis-endpoint",
          "http://kinesis.test",
        ],
        cwd: folder,
        env: {
          ...proxy.env,
          AWS_CONFIG_FILE: `${folder}/none`,
          AWS_SHARED_CREDENTIALS_FILE: `${folder}/none`,
          AWS_EC2_METADATA_DISABLED: "false",
          AWS_EC2_METADATA_SERVICE_ENDPOINT: here,
          AWS_CONTAINER_CREDENTIALS_FULL_URI: `${here}/v1/credentials`,
          AWS_CONTAINER_AUTHORIZATION_TOKEN: "pod-identity-token",
          KCLITE_DISABLE_WORKER_METRICS: "true",
        },
      });
      await program.printed(/Http502/);
    },
  );
  assertEquals(asked, [
    "PUT /latest/api/token ",
    "GET /latest/meta-data/placement/region ",
    "GET /v1/credentials pod-identity-token",
  ]);
  // It is in force: what goes to Kinesis goes through it.
  assert(proxy.seen.some((line) => line.includes("kinesis.test")));
  assertEquals(proxy.seen.filter((line) => line.includes("pod-identity-token") || line.includes(here)), []);
});

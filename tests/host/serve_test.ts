import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { serve } from "../../src/host/serve.ts";
import { runCommand } from "../support/command.ts";

const ANY_PORT = { port: 0, setting: "--health-port" } as const;

Deno.test("serve() listens on loopback, on a free port, and says where", async () => {
  const server = await serve((request) => new Response(new URL(request.url).pathname), ANY_PORT);
  try {
    assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assertEquals(server.url, `http://127.0.0.1:${server.port}`);
    const response = await fetch(`${server.url}/health?verbose`);
    assertEquals(await response.text(), "/health");
  } finally {
    await server.close();
  }
});

Deno.test("serve() names the setting when the port is in use", async () => {
  const server = await serve(() => new Response(), ANY_PORT);
  try {
    const { port } = server;
    const error = await assertRejects(
      () => serve(() => new Response(), { port, setting: "--health-port" }),
      Error,
      `Cannot serve on 127.0.0.1:${port}: the port is in use: give another as --health-port, or 0 for any free one`,
    );
    assert(error.cause instanceof Error);
  } finally {
    await server.close();
  }
});

Deno.test("serve() names the setting when the address cannot be listened on", async () => {
  // TEST-NET-3 of RFC 5737: no machine has such an address.
  await assertRejects(
    () => serve(() => new Response(), { ...ANY_PORT, hostname: "203.0.113.1" }),
    Error,
    "Cannot serve on 203.0.113.1:0: check --health-port: ",
  );
});

Deno.test("serve() refuses what is no port", async () => {
  for (const port of [-1, 65_536, 1.5, NaN]) {
    await assertRejects(
      () => serve(() => new Response(), { port, setting: "healthPort" }),
      RangeError,
      `Cannot serve on healthPort: expected a port from 0 to 65535: got ${port}`,
    );
  }
});

Deno.test("serve() answers 500 when the handler throws, and goes on", async () => {
  const server = await serve((request) => {
    if (request.url.endsWith("/bad")) throw new Error("secret");
    return new Response("good");
  }, ANY_PORT);
  try {
    const bad = await fetch(`${server.url}/bad`);
    assertEquals([bad.status, await bad.text()], [500, "Internal Server Error\n"]);
    assertEquals(await (await fetch(server.url)).text(), "good");
  } finally {
    await server.close();
  }
});

Deno.test("serve(): close() cuts idle connections and unfinished answers, frees the port, and may be repeated", async () => {
  const asked = Promise.withResolvers<void>();
  const server = await serve(() => {
    asked.resolve();
    return new Promise<Response>(() => {});
  }, ANY_PORT);
  const idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const cut = assertRejects(() => fetch(server.url));
  await asked.promise;
  await server.close();
  await server.close();
  await cut;
  assertEquals(await idle.read(new Uint8Array(1)).catch(() => null), null);
  idle.close();
  const again = await serve(() => new Response(), { port: server.port, setting: "--health-port" });
  await again.close();
});

/** The answer to a request with a `Host` that fetch would not send: its status, and its text. */
async function answerTo(
  port: number,
  host: string,
): Promise<{ readonly status: string; readonly text: string }> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET /lag HTTP/1.1\r\n${host}connection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const text = await new Response(connection.readable).text();
  return { status: text.split(" ")[1] ?? "", text };
}

Deno.test("serve() on loopback answers 421 to a page that had its own name resolve to 127.0.0.1", async () => {
  let served = 0;
  const server = await serve(() => {
    served++;
    return new Response("the lag");
  }, ANY_PORT);
  try {
    const { port } = server;
    const { status, text } = await answerTo(port, `host: evil.example:${port}\r\n`);
    assertEquals([status, served], ["421", 0]);
    assertMatch(text, /Cannot answer: the request's Host is no name of this server: .*healthAllowedHosts/);
    assert(!text.includes("evil"), text);
    for (const host of [`host: LocalHost.:${port}\r\n`, "host: 127.0.0.1\r\n", "host: [::1]:80\r\n", ""]) {
      assertEquals((await answerTo(port, host)).status, "200", host);
    }
  } finally {
    await server.close();
  }
});

Deno.test("serve() answers for the names of allowedHosts", async () => {
  const server = await serve(() => new Response(), { ...ANY_PORT, allowedHosts: ["health.example"] });
  try {
    const statuses = await Promise.all(
      ["Health.Example:443", "localhost", "evil.example"].map(async (host) =>
        (await answerTo(server.port, `host: ${host}\r\n`)).status
      ),
    );
    assertEquals(statuses, ["200", "200", "421"]);
  } finally {
    await server.close();
  }
});

/** What a program on another runtime does with the same file; prints one JSON line. */
const PROGRAM = `
import { serve } from "./serve.mjs";
import { connect } from "node:net";
const handler = async (request) => {
  const { pathname, search } = new URL(request.url);
  if (pathname === "/bad") throw new Error("secret");
  if (pathname === "/hang") return new Promise(() => {});
  if (pathname === "/empty") return new Response(null, { status: 204 });
  const headers = [["x-was", request.headers.get("x-a") ?? ""], ["set-cookie", "a=1"], ["set-cookie", "b=2"]];
  return new Response(request.method + search + await request.text(), { status: 201, headers });
};
const server = await serve(handler, { port: 0, setting: "--health-port" });
const told = { url: server.url };
const read = async (path, init) => {
  const response = await fetch(server.url + path, init);
  return [response.status, await response.text(), response.headers.get("x-was"), response.headers.getSetCookie()];
};
told.get = await read("/a?b=c");
told.post = await read("/", { method: "POST", body: "body", headers: { "x-a": "yes" } });
told.head = await read("/", { method: "HEAD" });
told.bad = (await read("/bad")).slice(0, 2);
told.empty = (await read("/empty")).slice(0, 2);
told.odd = await new Promise((resolve) => {
  const socket = connect(server.port, "127.0.0.1", () => socket.write("GET * HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n"));
  socket.once("data", (data) => { resolve(data.toString().split("\\r\\n")[0]); socket.destroy(); });
});
const statusOf = (host) => new Promise((resolve) => {
  const socket = connect(server.port, "127.0.0.1", () => socket.write("GET /empty HTTP/1.1\\r\\nhost: " + host + "\\r\\n\\r\\n"));
  socket.once("data", (data) => { resolve(data.toString().split(" ")[1]); socket.destroy(); });
});
told.hosts = [await statusOf("LOCALHOST:1"), await statusOf("[::1]:" + server.port), await statusOf("evil.example")];
told.inUse = await serve(handler, { port: server.port, setting: "--health-port" }).catch((error) => error.message);
const hanging = fetch(server.url + "/hang").catch(() => "cut");
await new Promise((resolve) => setTimeout(resolve, 50));
await server.close();
told.hanging = await hanging;
console.log(JSON.stringify(told));
`;

for (const runtime of ["node", "bun"]) {
  const found = await versionOf(runtime);
  Deno.test({
    name: `serve() does the same on ${runtime}${found === undefined ? " (skipped: not on PATH)" : ""}`,
    ignore: found === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const source = new URL("../../src/host/serve.ts", import.meta.url).pathname;
        const bundled = await runCommand(Deno.execPath(), [
          ...["bundle", "--quiet", "--no-lock", "--platform", "browser"],
          ...["--output", `${folder}/serve.mjs`, source],
        ]);
        assertEquals(bundled.code, 0, bundled.stderr);
        await Deno.writeTextFile(`${folder}/program.mjs`, PROGRAM);
        const { code, stdout, stderr } = await runCommand(runtime, [`${folder}/program.mjs`]);
        assertEquals(code, 0, stderr);
        const told = JSON.parse(stdout);
        assertMatch(told.url, /^http:\/\/127\.0\.0\.1:\d+$/);
        const cookies = ["a=1", "b=2"];
        assertEquals(told.get, [201, "GET?b=c", "", cookies]);
        assertEquals(told.post, [201, "POSTbody", "yes", cookies]);
        assertEquals(told.head, [201, "", "", cookies]);
        assertEquals(told.bad, [500, "Internal Server Error\n"]);
        assertEquals(told.empty, [204, ""]);
        assertStringIncludes(told.odd, "HTTP/1.1 ");
        assertEquals(told.hosts, ["204", "204", "421"]);
        assertStringIncludes(told.inUse, "the port is in use: give another as --health-port");
        assertEquals(told.hanging, "cut");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await runCommand(program, ["--version"]);
    return code === 0 ? stdout : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

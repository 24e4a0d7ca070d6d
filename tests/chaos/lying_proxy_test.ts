import { assert, assertEquals, assertRejects } from "@std/assert";
import { Chance } from "../../src/testing/model/chance.ts";
import { bodyStart, HONEST, type Lies, LyingProxy } from "./lying_proxy.ts";

/** An echo of bodies behind a proxy that lies as told. */
async function throughProxy(lies: Partial<Lies>, body: string, areAnswersChecked = true): Promise<string> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => new Response(`got ${await request.text()}`),
  );
  await using proxy = new LyingProxy({
    upstreamPort: server.addr.port,
    areAnswersChecked,
    longestStallMs: 60,
    chance: new Chance("proxy test"),
  });
  proxy.lies = { ...HONEST, ...lies };
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  try {
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/`, { method: "POST", body, client });
    return await answer.text();
  } finally {
    client.close();
  }
}

Deno.test("LyingProxy passes everything while it is honest, and late while it stalls", async () => {
  assertEquals(await throughProxy({}, "abc"), "got abc");
  assertEquals(await throughProxy({ stall: 1 }, "abc"), "got abc");
});

Deno.test("LyingProxy breaks the connection on a reset and on a cut", async () => {
  await assertRejects(() => throughProxy({ reset: 1 }, "abc"), TypeError);
  await assertRejects(() => throughProxy({ cut: 1 }, "a".repeat(1000)), TypeError);
});

Deno.test("LyingProxy flips bits of bodies, and of answers only where they carry a checksum", async () => {
  const body = "a".repeat(1000);
  const bits = (text: string) => [...text].filter((letter) => letter !== "a").length;
  const head = bits("got ");
  assertEquals(bits(await throughProxy({ flip: 1 }, body, false)) - head, 1);
  assert((await throughProxy({ flip: 1 }, body)).length > 0);
});

Deno.test("LyingProxy refuses while it is down", async () => {
  await using proxy = new LyingProxy({
    upstreamPort: 9,
    areAnswersChecked: true,
    longestStallMs: 1,
    chance: new Chance("proxy test"),
  });
  proxy.isDown = true;
  await assertRejects(() => fetch(`http://127.0.0.1:${proxy.port}/`), TypeError);
});

Deno.test("bodyStart() finds the end of the headers, and takes a piece without one for headers alone", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assertEquals(bodyStart(bytes("HTTP/1.1 200 OK\r\na: b\r\n\r\n{}")), 25);
  assertEquals(bodyStart(bytes("HTTP/1.1 200 OK\r\n")), 17);
});

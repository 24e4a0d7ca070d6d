import { assertEquals } from "@std/assert";
import { RequestSigner } from "../../src/aws/request_signer.ts";
import { FakeClock } from "../support/fake_clock.ts";

const keysOf = (accessKeyId: string) => ({
  accessKeyId,
  secretAccessKey: `secret of ${accessKeyId}`,
  sessionToken: undefined,
  expiresEpochMs: undefined,
});
const REQUEST = {
  url: "https://kinesis.eu-central-1.amazonaws.com/",
  headers: { "x-amz-target": "t" },
  body: "{}",
};

/** How many HMACs the body makes: one for a signature, four more for a key. */
async function hmacs(body: () => Promise<unknown>): Promise<number> {
  const { sign } = crypto.subtle;
  let count = 0;
  crypto.subtle.sign = (...args: Parameters<typeof sign>) => {
    count++;
    return sign.apply(crypto.subtle, args);
  };
  try {
    await body();
    return count;
  } finally {
    crypto.subtle.sign = sign;
  }
}

Deno.test("sign() derives a key once for credentials and day", async () => {
  const clock = new FakeClock();
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock });
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 5);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 1);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("b"))), 5);
  clock.jump(24 * 3600_000);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 5);
});

Deno.test("sign() does not keep the keys of all credentials that ever were", async () => {
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock: new FakeClock() });
  for (let i = 0; i < 40; i++) await signer.sign(REQUEST, keysOf(`${i}`));
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("0"))), 5);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("39"))), 1);
});

Deno.test("learnClock() needs a Date that differs by a minute from what the request was signed with", () => {
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock: new FakeClock() });
  for (const date of [null, "", "soon", "Fri, 30 Jan 2026 12:00:59 GMT", "Fri, 30 Jan 2026 11:59:01 GMT"]) {
    assertEquals(signer.learnClock(date, 0), false);
  }
  assertEquals(signer.clockOffsetMs, 0);
  assertEquals(signer.learnClock("Fri, 30 Jan 2026 11:59:00 GMT", 0), true);
  assertEquals(signer.clockOffsetMs, -60_000);
});

Deno.test("sign() signs by the service's clock once it is known", async () => {
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock: new FakeClock() });
  const dateOf = async () => (await signer.sign(REQUEST, keysOf("a"))).get("x-amz-date");
  assertEquals(await dateOf(), "20260130T120000Z");
  signer.learnClock("Fri, 30 Jan 2026 12:30:00 GMT", 0);
  assertEquals(await dateOf(), "20260130T123000Z");
});

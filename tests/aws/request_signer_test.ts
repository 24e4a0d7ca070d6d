import process from "node:process";
import { assertEquals } from "@std/assert";
import { AwsV4Signer } from "npm:aws4fetch@^1.0.20";
import { RequestSigner, type UnsignedRequest } from "../../src/aws/request_signer.ts";
import { SHORT_BYTES } from "../../src/aws/native_sha256.ts";
import fc from "../support/fast_check.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seeded } from "../support/seed.ts";

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

/** How many HMACs Web Crypto makes: four for a key, and one for the first signature with it. */
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

/** A signer of a runtime without `node:crypto`. */
function plainSigner(service: string): RequestSigner {
  const { getBuiltinModule } = process;
  process.getBuiltinModule = () => undefined;
  try {
    return new RequestSigner({ service, region: "eu-central-1", clock: new FakeClock() });
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
}

const someRequest: fc.Arbitrary<UnsignedRequest> = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE"),
  url: fc.webUrl({ withQueryParameters: true }),
  headers: fc.dictionary(
    fc.stringMatching(/^x-[a-z]{1,8}$/),
    fc.stringMatching(/^[!-~]{0,9}( +[!-~]{1,9})?$/),
  ),
  body: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.constant("ß".repeat(SHORT_BYTES)),
    fc.constantFrom(0, 1, SHORT_BYTES, SHORT_BYTES + 1).map((length) => new Uint8Array(length).fill(7)),
    fc.constant(undefined),
  ),
}, { requiredKeys: ["method", "url", "headers"] });

const someToken = fc.constantFrom(undefined, "token");

for (const service of ["kinesis", "s3"]) {
  Deno.test(`sign() gives the headers that aws4fetch gives by itself, for ${service}`, async () => {
    const clock = new FakeClock();
    const signer = new RequestSigner({ service, region: "eu-central-1", clock });
    const plain = plainSigner(service);
    await fc.assert(
      fc.asyncProperty(
        someRequest,
        fc.string({ minLength: 1 }),
        someToken,
        async (request, secret, token) => {
          const keys = { accessKeyId: "a", secretAccessKey: secret };
          const credentials = { ...keys, sessionToken: token, expiresEpochMs: undefined };
          const { body, ...rest } = request;
          const theirs = new AwsV4Signer({
            ...rest,
            ...(body === undefined ? {} : { body }),
            ...keys,
            ...(token === undefined ? {} : { sessionToken: token }),
            service,
            region: "eu-central-1",
            datetime: "20260130T120000Z",
          });
          const { headers } = await theirs.sign();
          // The first signature derives the key, as aws4fetch does. The second one finds it.
          for (const each of [signer, signer, plain]) {
            assertEquals([...new Headers(await each.sign(request, credentials))], [...headers]);
          }
        },
      ),
      seeded(),
    );
  });
}

Deno.test("sign() does all of a short request in this thread once it has the key, and leaves a long body to Web Crypto", async () => {
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock: new FakeClock() });
  await signer.sign(REQUEST, keysOf("a"));
  const { digest } = crypto.subtle;
  let calls = 0;
  crypto.subtle.digest = (...args) => {
    calls++;
    return digest.apply(crypto.subtle, args);
  };
  try {
    await signer.sign({ ...REQUEST, body: "x".repeat(SHORT_BYTES) }, keysOf("a"));
    assertEquals(calls, 0);
    await signer.sign({ ...REQUEST, body: "x".repeat(SHORT_BYTES + 1) }, keysOf("a"));
    assertEquals(calls, 1);
  } finally {
    crypto.subtle.digest = digest;
  }
});

Deno.test("sign() derives a key once for credentials and day", async () => {
  const clock = new FakeClock();
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock });
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 5);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 0);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("b"))), 5);
  clock.jump(24 * 3600_000);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("a"))), 5);
});

Deno.test("sign() does not keep the keys of all credentials that ever were", async () => {
  const signer = new RequestSigner({ service: "kinesis", region: "eu-central-1", clock: new FakeClock() });
  for (let i = 0; i < 40; i++) await signer.sign(REQUEST, keysOf(`${i}`));
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("0"))), 5);
  assertEquals(await hmacs(() => signer.sign(REQUEST, keysOf("39"))), 0);
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
  const dateOf = async () => (await signer.sign(REQUEST, keysOf("a")))["x-amz-date"];
  assertEquals(await dateOf(), "20260130T120000Z");
  signer.learnClock("Fri, 30 Jan 2026 12:30:00 GMT", 0);
  assertEquals(await dateOf(), "20260130T123000Z");
});

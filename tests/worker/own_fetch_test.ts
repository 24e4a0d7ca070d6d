/** The option `fetch`: all that a worker asks goes through it. */

import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import { assumeRoleCredentials, webIdentityCredentials } from "../../src/credentials/mod.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { type System, withFetch } from "../../src/system.ts";

/** Fails the test when anything is sent by it. */
const noFetch: System["fetch"] = () => {
  throw new TypeError("expected the option fetch to be used: got the system's");
};

Deno.test("KinesisWorker sends each request by the option fetch, and none by the system's", async () => {
  const aws = simulatedAws({ streams: { words: 1 } });
  aws.stream("words").put("one");
  const hosts = new Set<string>();
  const stop = new AbortController();
  const texts: string[] = [];
  const worker = new KinesisWorker({
    applicationName: "words-app",
    streamName: "words",
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    initialPositionInStream: "TRIM_HORIZON",
    system: withFetch(aws.system, noFetch),
    fetch(input, init) {
      hosts.add(new URL(input instanceof Request ? input.url : input).host.split(".")[0] ?? "");
      return aws.system.fetch(input, init);
    },
    processor: () => ({
      async processRecords({ records }, context) {
        for (const { data } of records) texts.push(new TextDecoder().decode(data));
        await context.checkpoint();
        stop.abort();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await worker.run(stop.signal);
  assertEquals(texts, ["one"]);
  assertEquals([...hosts].sort(), ["dynamodb", "kinesis"]);
});

Deno.test("withFetch() calls the function without a this, as browsers and workerd want it", async () => {
  const seen: unknown[] = [];
  const { fetch } = withFetch({ ...simulatedAws({ streams: {} }).system }, function (this: unknown) {
    seen.push(this);
    return Promise.resolve(new Response());
  });
  const system = { fetch };
  await system.fetch("http://127.0.0.1/");
  assertEquals(seen, [undefined]);
});

Deno.test("the library's roles ask STS by the option fetch", async () => {
  const roleArn = "arn:aws:iam::123456789012:role/r";
  const aws = simulatedAws({ streams: {} });
  let asked = 0;
  const options = {
    roleArn,
    region: "eu-central-1",
    system: withFetch(aws.system, noFetch),
    env: () => undefined,
    fetch: () => {
      asked++;
      return Promise.resolve(new Response("no", { status: 403 }));
    },
  };
  const base = { accessKeyId: "test", secretAccessKey: "test" };
  for (
    const provider of [
      webIdentityCredentials({ ...options, token: () => "t" }),
      assumeRoleCredentials({ ...options, base }),
    ]
  ) {
    const before = asked;
    await assertRejects(() => provider());
    assertGreater(asked, before);
  }
});

/** `onFailureDestination` of a properties file: what it names gets the records that are given up. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Host, main } from "../../../cli.ts";
import { storedLetter } from "../../../src/failures/redrive/stored_letter.ts";
import { simulatedAws } from "../../../src/testing/mod.ts";
import { SignedServices, SIGNING_KEYS } from "../../support/signed_services.ts";

const MODULE = `
export default () => ({
  async processRecords({ records }, context) {
    for (const { data } of records) if (new TextDecoder().decode(data) === "bad") throw new RangeError("bad");
    await context.checkpoint();
    if (records.some(({ data }) => new TextDecoder().decode(data) === "last")) globalThis.kcliteTestEnd?.();
  },
  shardEnded: (context) => context.checkpoint(),
});
`;

/** Runs the command line against a stream with one bad record, until the last one is processed. */
async function run(destination: string, env: Readonly<Record<string, string>> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "kclite-destination-" });
  await Deno.writeTextFile(`${folder}/processor.mjs`, MODULE);
  await Deno.writeTextFile(
    `${folder}/app.properties`,
    [
      "applicationName = app",
      "streamName = orders",
      "executableName = processor.mjs",
      "regionName = us-east-1",
      "initialPositionInStream = TRIM_HORIZON",
      "maximumRetryAttempts = 0",
      "bisectBatchOnFunctionError = true",
      `onFailureDestination = ${destination.replace("FOLDER", folder)}`,
    ].join("\n"),
  );
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const text of ["good", "bad", "last"]) aws.stream("orders").put(text, "k");
  const services = new SignedServices();
  services.queues.set("failed", []);
  const stop = new AbortController();
  Object.assign(globalThis, { kcliteTestEnd: () => stop.abort() });
  const variables: Readonly<Record<string, string>> = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/none",
    AWS_CONFIG_FILE: "/none",
    AWS_ACCESS_KEY_ID: SIGNING_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SIGNING_KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: SIGNING_KEYS.sessionToken,
    ...env,
  };
  const isQueue = (url: string) => url.includes("//sqs.") || url.includes("//queues.");
  const system: NonNullable<Host["options"]>["system"] = {
    clock: aws.system.clock,
    random: aws.system.random,
    fetch: (input, init) =>
      isQueue(String(input)) ? services.fetch(input, init) : aws.system.fetch(input, init),
  };
  const log: string[] = [];
  const code = await main([`${folder}/app.properties`], {
    out: () => {},
    err: (line) => void log.push(line),
    childStderr: () => {},
    env: (name) => variables[name],
    envNames: Object.keys(variables),
    signal: stop.signal,
    options: { system },
  });
  aws.close();
  return { code, log: log.join("\n"), folder, services };
}

Deno.test("onFailureDestination = a path stores the bad record there, and the others are processed", async () => {
  const { code, folder, log } = await run("FOLDER/dead.jsonl");
  assertEquals(code, 0, log);
  const [line = "", ...more] = (await Deno.readTextFile(`${folder}/dead.jsonl`)).split("\n");
  assertEquals(more, [""]);
  const { records, application } = storedLetter(line);
  assertEquals([application, records?.map(({ data }) => new TextDecoder().decode(data))], ["app", ["bad"]]);
});

Deno.test("onFailureDestination = a queue's ARN sends it there, by AWS's settings for its endpoint", async () => {
  const arn = "arn:aws:sqs:eu-west-1:123456789012:failed";
  const { services, code, log } = await run(arn, { AWS_ENDPOINT_URL_SQS: "http://queues.test" });
  assertEquals(code, 0, log);
  assertEquals(services.queues.get("failed")?.length, 1);
  assertEquals(services.requests.map(({ url, region }) => [url.host, region]), [[
    "queues.test",
    "eu-west-1",
  ]]);
});

Deno.test("onFailureDestination that names no sink is refused at the start, with its place", async () => {
  const { code, log } = await run("arn:aws:lambda:eu-west-1:123456789012:function:f");
  assertEquals(code, 1);
  assertStringIncludes(log, "Cannot read onFailureDestination (");
  assertStringIncludes(log, "expected the ARN of a queue of SQS");
});

for (
  const [destination, why] of [
    ["FOLDER", "it is a folder: name a file in it"],
    ["FOLDER/none/dead.jsonl", "its folder does not exist: create it"],
  ] as const
) {
  Deno.test(`onFailureDestination is refused at the start when ${why}`, async () => {
    const { code, log } = await run(destination);
    assertEquals(code, 1);
    assertStringIncludes(log, `for dead letters: ${why}`);
  });
}

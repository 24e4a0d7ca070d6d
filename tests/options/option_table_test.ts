import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { realSystem } from "../../src/system.ts";
import { OPTION_CHECKS } from "../../src/options/option_table.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";

const keys = { accessKeyId: "id", secretAccessKey: "a-secret" };
const needed = {
  applicationName: "app",
  streamName: "words",
  region: "us-east-1",
  credentials: keys,
  processor: () => ({ processRecords: () => {}, shardEnded: () => {} }),
};

/** As plain JavaScript would. */
function worker(options: unknown): KinesisWorker {
  return new KinesisWorker(options as WorkerOptions);
}

/** What a worker with these options beside the needed ones says, or "accepted". */
function refusal(options: Readonly<Record<string, unknown>>): string {
  try {
    worker({ ...needed, ...options });
    return "accepted";
  } catch (error) {
    return error instanceof TypeError || error instanceof RangeError ? error.message : `unexpected: ${error}`;
  }
}

Deno.test("KinesisWorker refuses values of the wrong kind or out of range, and says what would do", () => {
  const cases: readonly [Readonly<Record<string, unknown>>, string][] = [
    [
      { leaseTableScanTotalSegments: -3 },
      "leaseTableScanTotalSegments must be an integer 0 to 1000000: got -3",
    ],
    [{ leaseTableScanTotalSegments: 1.5 }, "must be an integer 0 to 1000000: got 1.5"],
    [{ leaseTableScanTotalSegments: "4" }, 'expected leaseTableScanTotalSegments to be a number: got "4"'],
    [
      { billingMode: "FREE" },
      'expected billingMode to be "PAY_PER_REQUEST" or { readCapacity, writeCapacity }: got "FREE"',
    ],
    [{ billingMode: "PROVISIONED" }, 'got "PROVISIONED"'],
    [
      { billingMode: { readCapacity: 5 } },
      "expected billingMode.writeCapacity to be a number: got undefined",
    ],
    [
      { billingMode: { readCapacity: 0, writeCapacity: 5 } },
      "billingMode.readCapacity must be an integer >= 1: got 0",
    ],
    [
      { billingMode: { readCapacity: 5, writeCapacty: 5 } },
      "no option billingMode.writeCapacty: did you mean writeCapacity?",
    ],
    [{ billingMode: [5, 5] }, "got a list"],
    [{ leaseTableTags: 5 }, "expected leaseTableTags to be an object of texts by name: got 5"],
    [{ leaseTableTags: ["a"] }, "got a list"],
    [
      { leaseTableTags: { team: 5 } },
      'expected leaseTableTags["team"] to be a text of at most 256 characters: got 5',
    ],
    [{ leaseTableTags: { "": "a" } }, "expected leaseTableTags to be names of 1 to 128 characters"],
    [{ leaseTableTags: { "aws:x": "a" } }, 'got "aws:x"'],
    [{ leaseTablePitrEnabled: "false" }, 'expected leaseTablePitrEnabled to be true or false: got "false"'],
    [
      { isGracefulLeaseHandoffEnabled: 0 },
      "expected isGracefulLeaseHandoffEnabled to be true or false: got 0",
    ],
    [{ tableName: "" }, "expected tableName to be a text that is not empty"],
    [{ tableName: 7 }, "expected tableName to be a text that is not empty: got 7"],
    [{ workerIdentifier: " " }, "expected workerIdentifier to be a text that is not empty"],
    [{ failoverTimeMs: 500 }, "failoverTimeMs must be >= 1000: got 500"],
    [{ failoverTimeMs: Infinity }, "failoverTimeMs must be a finite number >= 1000: got Infinity"],
    [{ consumerName: "my consumer" }, "expected consumerName to be 1 to 128 letters"],
    [{ retrievalMode: "fanout" }, 'expected retrievalMode to be one of "POLLING", "FANOUT": got "fanout"'],
    [{ maxRecords: 10_001 }, "maxRecords must be an integer 1 to 10000: got 10001"],
    [{ kinesisEndpoint: "localhost" }, "Cannot use endpoint"],
    [{ region: 5 }, "expected region to be a text"],
    [{ system: {} }, "expected system.random to be a function: got undefined"],
    [
      { system: { ...realSystem, clock: {} } },
      "expected system.clock.epochMs to be a function: got undefined",
    ],
    [{ onEvent: {} }, "expected onEvent to be a function that takes an event: got an object"],
    [{ kinesis: "k" }, 'expected kinesis to be an object: got "k"'],
    [
      { streams: ["a", { streamNme: "b" }], streamName: undefined },
      "no option streams[].streamNme: did you mean streamName?",
    ],
    [{ streams: [{ streamArn: 5 }], streamName: undefined }, "expected streams[].streamArn to be a text"],
    [
      { streams: [null], streamName: undefined },
      "expected a name, an ARN, an identifier or a StreamConfig: got null",
    ],
    [
      { streamIdentifiersForLeaseCleanup: ["1:a:2"] },
      "expected streamIdentifiersForLeaseCleanup to be a function",
    ],
    [
      { applicationName: undefined },
      "expected applicationName to be a text that is not empty: got undefined",
    ],
    [
      { processor: 5 },
      "expected processor to be a function that makes a RecordProcessor: got a number",
    ],
  ];
  for (const [options, message] of cases) assertStringIncludes(refusal(options), message);
});

Deno.test("KinesisWorker refuses credentials that cannot sign, and repeats none of them", () => {
  const cases: readonly [unknown, string][] = [
    ["AKIAPRIVATE", "expected credentials to be keys or a function that gives them: got a text"],
    [
      { accessKeyId: "AKIAPRIVATE" },
      "expected credentials.secretAccessKey to be a text that is not empty: got undefined",
    ],
    [
      { ...keys, accessKeyId: "" },
      "expected credentials.accessKeyId to be a text that is not empty: got an empty one",
    ],
    [
      { ...keys, sessionToken: "AKIAPRIVATE\nAKIAPRIVATE" },
      "Cannot use the keys of the option credentials: expected sessionToken without line breaks",
    ],
    [
      { ...keys, expiration: "AKIAPRIVATE" },
      "expected credentials.expiration to be a valid Date: got a text",
    ],
    [
      { accessKeyId: "a", secretAcessKey: "AKIAPRIVATE" },
      "no option credentials.secretAcessKey: did you mean secretAccessKey?",
    ],
    [
      { ...keys, sesionToken: "AKIAPRIVATE" },
      "no option credentials.sesionToken: did you mean sessionToken?",
    ],
    [{ ...keys, sessionToken: 5 }, "expected credentials.sessionToken to be a text: got a number"],
    [{ ...keys, expiresEpochMs: "AKIAPRIVATE" }, "expected credentials.expiresEpochMs"],
  ];
  for (const [credentials, message] of cases) {
    for (const name of ["credentials", "dynamoDBCredentials"]) {
      const said = refusal({ [name]: credentials });
      assertStringIncludes(said, message.replace("credentials", name));
      assertEquals(said.includes("AKIAPRIVATE"), false, said);
    }
  }
});

Deno.test("KinesisWorker takes AWS's own credentials, which carry more than is asked for", () => {
  const more = { expiration: new Date(0), accountId: "1", credentialScope: "s", $source: {} };
  assertEquals(refusal({ credentials: { ...keys, ...more } }), "accepted");
  assertEquals(refusal({ credentials: () => Promise.resolve(keys) }), "accepted");
});

Deno.test("KinesisWorker refuses a name that is no option, and says which is nearest", () => {
  const cases: readonly [string, string][] = [
    ["failoverTimeMilis", "there is no option failoverTimeMilis: did you mean failoverTimeMs?"],
    ["idleTimeBetweenReadsInMillis", "did you mean idleTimeBetweenReadsMs?"],
    ["tablename", "did you mean tableName?"],
    ["zebra", "there is no option zebra: remove it"],
    ["toString", "there is no option toString"],
  ];
  for (const [name, message] of cases) {
    assertStringIncludes(refusal({ [name]: undefined }), message);
    assertStringIncludes(refusal({ [name]: 1 }), message);
  }
});

Deno.test("KinesisWorker refuses what is no object of options", () => {
  for (const options of [undefined, null, "app", []]) {
    const error = assertThrows(() => worker(options), TypeError);
    assertMatch(
      error.message,
      /^Cannot start worker: expected an object of options: got (undefined|null|"app"|a list)$/,
    );
  }
});

Deno.test("no option skips its check: each refuses what is nothing at all, and null", () => {
  for (const name of Object.keys(OPTION_CHECKS)) {
    for (const nothing of [Symbol("nothing"), null]) {
      const beside = name === "streams" ? { streamName: undefined } : {};
      const said = refusal({ ...beside, [name]: nothing });
      assertMatch(
        said,
        name === "streams" ? /Cannot read streams/ : new RegExp(`^Cannot start worker: .*\\b${name}\\b`),
      );
    }
  }
});

Deno.test("an option that is undefined is as good as absent, and one that means no limit is taken", () => {
  const names = Object.keys(OPTION_CHECKS).filter((name) => !(name in needed));
  assertEquals(refusal(Object.fromEntries(names.map((name) => [name, undefined]))), "accepted");
  for (
    const name of ["maxLeasesForWorker", "maxReadsPerSecond", "maxReadBytesPerSecond", "maxBufferedBytes"]
  ) {
    assertEquals(refusal({ [name]: Infinity }), "accepted");
  }
});

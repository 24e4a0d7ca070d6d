import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { signedKinesisConsumers } from "../../src/aws/kinesis_consumers.ts";
import { CredentialsError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { partsOf } from "../../src/worker/parts.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis } from "../support/scripted_kinesis.ts";

const stream = { streamName: "words", streamArn: undefined };

/** The parts that options make, over a service that refuses everything, and what it was asked. */
function bed(options: Partial<WorkerOptions>, fetch?: typeof globalThis.fetch) {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const requests: { readonly url: string; readonly headers: Headers; readonly body: string }[] = [];
  const refusing: typeof globalThis.fetch = (url, init) => {
    const body = typeof init?.body === "string" ? init.body : "";
    requests.push({ url: String(url), headers: new Headers(init?.headers), body });
    return Promise.resolve(Response.json({ __type: "AccessDeniedException" }, { status: 400 }));
  };
  const all: WorkerOptions = {
    applicationName: "app",
    streamName: "words",
    region: "eu-central-1",
    credentials: { accessKeyId: "kinesis-key", secretAccessKey: "s" },
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  };
  const system = { clock, random: () => 0, fetch: fetch ?? refusing };
  const parts = partsOf(
    all,
    settingsOf(all),
    { system, emit: (event) => events.push(event) },
    signedKinesisConsumers,
  );
  return { parts, clock, events, requests };
}

/** Whose key signed a request, and for which region. */
function signerOf(headers: Headers | undefined): readonly (string | undefined)[] {
  const [, key, region] = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(headers?.get("authorization") ?? "") ??
    [];
  return [key, region];
}

Deno.test("partsOf() reaches streams and tables with the same credentials in the same region", async () => {
  const { parts, requests } = bed({});
  await assertRejects(() => parts.kinesis.listShards(stream));
  await assertRejects(() => parts.leaseStore.get("a"));
  assertEquals(requests.map(({ url }) => url), [
    "https://kinesis.eu-central-1.amazonaws.com/",
    "https://dynamodb.eu-central-1.amazonaws.com/",
  ]);
  assertEquals(requests.map(({ headers }) => signerOf(headers)), [
    ["kinesis-key", "eu-central-1"],
    ["kinesis-key", "eu-central-1"],
  ]);
});

Deno.test("partsOf() reaches tables elsewhere, and by other credentials, where options say so", async () => {
  const { parts, requests } = bed({
    kinesisEndpoint: "http://streams.test",
    dynamoDBEndpoint: "http://tables.test",
    dynamoDBRegion: "us-west-2",
    dynamoDBCredentials: { accessKeyId: "table-key", secretAccessKey: "s" },
    tableName: "leases",
  });
  await assertRejects(() => parts.kinesis.listShards(stream));
  await assertRejects(() => parts.leaseStore.get("a"));
  await assertRejects(() => parts.coordinatorStore.readLock("leaseTable"));
  await assertRejects(() => parts.coordinatorStore.readLock("legacy"));
  assertEquals(requests.map(({ url }) => url), [
    "http://streams.test/",
    "http://tables.test/",
    "http://tables.test/",
    "http://tables.test/",
  ]);
  assertEquals(requests.slice(0, 2).map(({ headers }) => signerOf(headers)), [
    ["kinesis-key", "eu-central-1"],
    ["table-key", "us-west-2"],
  ]);
  const tables = requests.slice(1).map(({ body }) => JSON.parse(body).TableName);
  assertEquals(
    tables,
    ["leases", "leases", "app-CoordinatorState"],
    "KCL 3.0 named its tables by the application",
  );
});

Deno.test("partsOf() gives a call to a table a quarter of the failover time, so that another one fits", async () => {
  for (const [failoverTimeMs, limitMs] of [[10_000, 2500], [1000, 500]] as const) {
    const hanging: typeof fetch = (_, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
    const { parts, clock, events } = bed({ failoverTimeMs }, hanging);
    const stop = new AbortController();
    const asking = parts.leaseStore.get("a", stop.signal).catch(() => {});
    await clock.untilAsleep();
    await clock.advance(limitMs - 1);
    assertEquals(events, []);
    await clock.advance(1);
    assertEquals(eventsOf(events, "requestSent").map(({ code, ms }) => [code, ms]), [[
      "TimeoutError",
      limitMs,
    ]]);
    stop.abort();
    await asking;
  }
});

Deno.test("partsOf() asks AWS for records in CBOR, and any other endpoint in JSON, if wireFormat is auto", async () => {
  const emulator = "http://127.0.0.1:9", aws = "https://kinesis-fips.us-east-1.amazonaws.com";
  for (
    const [wireFormat, kinesisEndpoint, type] of [
      [undefined, undefined, "cbor-1.1"],
      [undefined, aws, "cbor-1.1"],
      [undefined, emulator, "json-1.1"],
      ["auto", undefined, "cbor-1.1"],
      ["auto", emulator, "json-1.1"],
      ["json", undefined, "json-1.1"],
      ["cbor", emulator, "cbor-1.1"],
    ] as const
  ) {
    const { parts, requests } = bed({ wireFormat, kinesisEndpoint });
    await assertRejects(() => parts.kinesis.getRecords(stream, "iterator", 10));
    assertEquals(requests[0]?.headers.get("content-type"), `application/x-amz-${type}`);
  }
});

Deno.test("partsOf() takes the parts that it is given, and stores only together", () => {
  const { store, coordinator } = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  const given = { kinesis, leaseStore: store, coordinatorStore: coordinator };
  const { parts } = bed(given);
  assertEquals(
    [parts.kinesis === kinesis, parts.leaseStore === store, parts.coordinatorStore === coordinator],
    [true, true, true],
  );
  for (const one of [{ leaseStore: store }, { coordinatorStore: coordinator }]) {
    assertThrows(() => bed(one), TypeError, "expected leaseStore and coordinatorStore together");
  }
});

Deno.test("partsOf() makes what fan-out needs for fan-out alone", () => {
  assertEquals(bed({}).parts.kinesisConsumers, undefined);
  assertEquals(bed({ retrievalMode: "FANOUT" }).parts.kinesisConsumers === undefined, false);
});

Deno.test("partsOf() says what is missing", () => {
  const reasonOf = (options: Partial<WorkerOptions>) => String(assertThrows(() => bed(options), TypeError));
  assertStringIncludes(reasonOf({ region: undefined }), "expected region to be set");
  assertStringIncludes(
    reasonOf({ credentials: undefined }),
    "expected credentials, as keys or as a function",
  );
});

Deno.test("partsOf() asks a function for credentials once for all clients, and again before their end", async () => {
  const asked: string[] = [];
  let expiration: Date | undefined;
  const { parts, clock, requests } = bed({
    // As AWS's SDK gives it.
    credentials: () => {
      asked.push("asked");
      return Promise.resolve({ accessKeyId: `key-${asked.length}`, secretAccessKey: "s", expiration });
    },
  });
  expiration = new Date(clock.epochMs() + 3_600_000);
  const both = () =>
    Promise.all([
      assertRejects(() => parts.kinesis.listShards(stream)),
      assertRejects(() => parts.leaseStore.get("a")),
    ]);
  await both();
  await both();
  assertEquals(asked.length, 1);
  clock.jump(59 * 60_000);
  expiration = undefined;
  await both();
  assertEquals(requests.map(({ headers }) => signerOf(headers)[0]), [
    ...Array.from({ length: 4 }, () => "key-1"),
    "key-2",
    "key-2",
  ]);
  clock.jump(14 * 60_000);
  await both();
  assertEquals(asked.length, 2);
  clock.jump(60_000);
  await both();
  assertEquals(asked.length, 3);
});

Deno.test("partsOf() leaves a provider that keeps its own credentials to itself", async () => {
  let asked = 0;
  const refused: unknown[] = [];
  const keys = { accessKeyId: "a", secretAccessKey: "s" };
  const credentials = Object.assign(() => (asked++, Promise.resolve(keys)), {
    invalidate: (which: unknown) => void refused.push(which),
  });
  const expired = () => Promise.resolve(Response.json({ __type: "ExpiredTokenException" }, { status: 400 }));
  const { parts } = bed({ credentials }, expired);
  await assertRejects(() => parts.kinesis.listShards(stream));
  assertEquals([asked, refused.length, refused[0] === keys], [2, 1, true]);
});

Deno.test("partsOf() passes on why a function gives no credentials, but not what a process printed", async () => {
  const failing = async (error: unknown) => {
    const { parts } = bed({ credentials: () => Promise.reject(error) });
    return await assertRejects(() => parts.kinesis.listShards(stream), CredentialsError);
  };
  const plain = await failing(new Error("the vault is sealed\nmore"));
  assertEquals(
    [plain.message, plain.reason],
    ["Cannot get credentials from the option credentials: the vault is sealed", "notAnswering"],
  );
  const process = await failing(new Error("Command failed: cat geheim\ngeheim"));
  assertEquals(process.message.includes("geheim") || process.cause !== undefined, false);
  const ours = new CredentialsError("none here");
  assertEquals(await failing(ours), ours);
});

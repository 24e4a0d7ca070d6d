import { assertEquals, assertRejects } from "@std/assert";
import { decodeCbor } from "../../src/aws/cbor.ts";
import { cborKinesis } from "../../src/aws/cbor_kinesis.ts";
import { signedKinesis } from "../../src/aws/kinesis.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { BAD_ITERATORS, badAnswers } from "../support/bad_answers.ts";
import { cbor } from "../support/cbor.ts";
import { type FakeAnswer, type FakeHandler, startFakeKinesis } from "../support/fake_kinesis.ts";
import { kinesisRecord } from "../../src/stream/record.ts";

const CBOR = { "content-type": "application/x-amz-cbor-1.1" };
const RANGE = { StartingHashKey: "0", EndingHashKey: "9" };
const CHILD = { ShardId: "child", ParentShards: ["a", "b"], HashKeyRange: RANGE };
const ARRIVAL_MS = 1769774400123;

/** What Kinesis has to say; `isIndefinite`: as Jackson writes it. */
function inCbor(answer: unknown, isIndefinite = true, status = 200): FakeAnswer {
  return { status, headers: CBOR, body: Uint8Array.from(cbor(answer, isIndefinite)) };
}

const page = {
  Records: [
    {
      SequenceNumber: "4959033827149025660855969253836157109592157598913658889",
      ApproximateArrivalTimestamp: new Date(ARRIVAL_MS),
      Data: new TextEncoder().encode("hello"),
      PartitionKey: "schlüssel",
      EncryptionType: "KMS",
    },
    {
      SequenceNumber: "4959033827149025660855969253836157109592157598913658890",
      ApproximateArrivalTimestamp: new Date(ARRIVAL_MS),
      Data: new Uint8Array(),
      PartitionKey: "b",
    },
  ],
  NextShardIterator: "next",
  MillisBehindLatest: 7,
};

/** The same page as servers say it that speak JSON alone. */
const inJson: FakeAnswer = {
  body: {
    ...page,
    Records: page.Records.map((record) => ({
      ...record,
      ApproximateArrivalTimestamp: ARRIVAL_MS / 1000,
      Data: btoa(new TextDecoder().decode(record.Data)),
    })),
  },
};

const expected = {
  records: page.Records.map((record) =>
    kinesisRecord({
      sequenceNumber: record.SequenceNumber,
      subSequenceNumber: 0,
      partitionKey: record.PartitionKey,
      explicitHashKey: undefined,
      data: record.Data,
      approximateArrivalTimestamp: ARRIVAL_MS,
      encryptionType: record.EncryptionType as "KMS" | undefined,
      aggregated: false,
    })
  ),
  bytes: 5,
  nextShardIterator: "next",
  millisBehindLatest: 7,
  childShards: [],
};

const isCbor = (headers: Headers) => headers.get("content-type") === "application/x-amz-cbor-1.1";

function bed(getRecords: FakeHandler) {
  const server = startFakeKinesis({ GetRecords: getRecords });
  const notices: string[] = [];
  const options = {
    region: "us-east-1",
    endpoint: server.url,
    credentials: {
      accessKeyId: "key",
      secretAccessKey: "secret",
      sessionToken: undefined,
      expiresEpochMs: undefined,
    },
    system: realSystem,
    onEvent: (event: { readonly type: string }) =>
      event.type === "notice" && notices.push(JSON.stringify(event)),
  };
  const kinesis = cborKinesis(signedKinesis(options), options);
  const stream = { streamName: "words", streamArn: "arn:words" };
  return {
    server,
    notices,
    read: () => kinesis.getRecords(stream, "iterator", 1000),
    formats: () => server.requests.map(({ headers }) => isCbor(headers) ? "cbor" : "json"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

for (const isIndefinite of [true, false]) {
  Deno.test(`cborKinesis() reads a page, of ${isIndefinite ? "indefinite" : "definite"} length, into views of the answer`, async () => {
    await using one = bed(() => inCbor(page, isIndefinite));
    const output = await one.read();
    assertEquals(output, expected);
    assertEquals(output.records[0]?.data.buffer === output.records[1]?.data.buffer, true);
    assertEquals([one.formats(), one.notices], [["cbor"], []]);
  });
}

Deno.test("cborKinesis() sends the request in CBOR, signed", async () => {
  await using one = bed(() => inCbor(page));
  await one.read();
  const [request] = one.server.requests;
  assertEquals(request?.headers.get("x-amz-target"), "Kinesis_20131202.GetRecords");
  assertEquals(decodeCbor(request?.body ?? new Uint8Array()), {
    ShardIterator: "iterator",
    Limit: 1000,
    StreamARN: "arn:words",
  });
});

Deno.test("cborKinesis() reads the end of a shard, with its children", async () => {
  await using one = bed(() =>
    inCbor({ Records: [], NextShardIterator: null, MillisBehindLatest: 0, ChildShards: [CHILD] })
  );
  const output = await one.read();
  assertEquals([output.records, output.nextShardIterator], [[], undefined]);
  assertEquals(output.childShards, [{
    shardId: "child",
    parentShards: ["a", "b"],
    hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
  }]);
});

Deno.test("cborKinesis() throws the errors that come in CBOR, and stays with CBOR", async () => {
  let isExpired = true;
  await using one = bed(() =>
    isExpired ? inCbor({ __type: "ExpiredIteratorException", message: "5 minutes" }, true, 400) : inCbor(page)
  );
  const error = await assertRejects(
    one.read,
    AwsServiceError,
    "ExpiredIteratorException (HTTP 400): 5 minutes",
  );
  assertEquals([error.code, error.retryable], ["ExpiredIteratorException", false]);
  isExpired = false;
  await one.read();
  assertEquals(one.formats(), ["cbor", "cbor"]);
});

Deno.test("cborKinesis() tries again after a fault, whatever it comes in, and stays with CBOR", async () => {
  for (
    const fault of [
      { status: 503, headers: { "content-type": "text/html" }, body: "<html>" },
      inCbor({ __type: "InternalFailure", message: "oh" }, true, 500),
      { status: 500, headers: CBOR, body: Uint8Array.of(0xff) },
    ]
  ) {
    let faults = 1;
    await using one = bed(() => faults-- > 0 ? fault : inCbor(page));
    assertEquals(await one.read(), expected);
    assertEquals(one.formats(), ["cbor", "cbor"]);
  }
});

const NOT_IN_KIND: Readonly<Record<string, FakeAnswer>> = {
  "says the same in JSON": inJson,
  "refuses the content type": { status: 415, body: { __type: "UnsupportedMediaTypeException" } },
  "refuses it without a name": { status: 415 },
  "says no more than that the request is bad": { status: 400, body: "<html>" },
  "does not know the operation in it": { status: 404, body: { __type: "UnknownOperationException" } },
  "cannot read the request, which it says in CBOR": inCbor({ __type: "SerializationException" }, true, 400),
  "cannot read the request": { status: 400, body: { __type: "SerializationException" } },
  "sends payloads as base64 text (kinesis-mock)": inCbor({
    ...page,
    Records: [{ ...page.Records[0], Data: "aGVsbG8=" }],
  }),
  "sends payloads as a map (kinesalite on Node.js)": inCbor({
    ...page,
    Records: [{ ...page.Records[0], Data: { type: "Buffer", data: [1] } }],
  }),
  "sends one byte (kinesalite on Deno)": { headers: CBOR, body: Uint8Array.of(0xb9) },
  "sends an answer that goes on after its end": {
    headers: CBOR,
    body: Uint8Array.from([...cbor(page), 0]),
  },
  "sends a list": inCbor([page]),
  "sends records without a time": inCbor({
    Records: [{ ...page.Records[0], ApproximateArrivalTimestamp: null }],
  }),
  "sends children without a range": inCbor({ Records: [], ChildShards: [{ ShardId: "child" }] }),
};

for (const [what, answer] of Object.entries(NOT_IN_KIND)) {
  Deno.test(`cborKinesis() falls back to JSON, for good and with one notice, where the server ${what}`, async () => {
    await using one = bed(({ headers }) => isCbor(headers) ? answer : inJson);
    assertEquals(await one.read(), expected);
    assertEquals(await one.read(), expected);
    assertEquals(one.formats(), ["cbor", "json", "json"]);
    assertEquals(one.notices.length, 1);
  });
}

Deno.test("cborKinesis() falls back once for many shards that read at the same time", async () => {
  await using one = bed(({ headers }) => isCbor(headers) ? { status: 415 } : inJson);
  await Promise.all([one.read(), one.read(), one.read()]);
  assertEquals(one.notices.length, 1);
});

Deno.test("cborKinesis() throws what JSON is refused for, where both are refused", async () => {
  await using one = bed(() => ({ status: 400, body: { __type: "SerializationException", message: "no" } }));
  await assertRejects(one.read, AwsServiceError, "SerializationException (HTTP 400): no");
  assertEquals(one.formats(), ["cbor", "json"]);
});

const NOT_ABOUT_THE_FORMAT: Readonly<Record<string, FakeAnswer>> = {
  "throttling, in JSON": { status: 400, body: { __type: "ProvisionedThroughputExceededException" } },
  "throttling, in CBOR": inCbor({ __type: "ProvisionedThroughputExceededException" }, true, 400),
  "throttling by a proxy": { status: 429, body: "<html>" },
  "a time-out of a proxy": { status: 408, body: "" },
  "an expired iterator, in JSON": { status: 400, body: { __type: "ExpiredIteratorException" } },
  "a lack of rights": { status: 400, body: { __type: "AccessDeniedException" } },
  "a refused signature": { status: 403, body: { __type: "IncompleteSignatureException" } },
  "a proxy that wants a login": { status: 407, body: "<html>" },
  "a redirect": { status: 302, headers: { location: "http://127.0.0.1:1/" } },
  "a fault": { status: 503, body: "<html>" },
};

for (const [what, answer] of Object.entries(NOT_ABOUT_THE_FORMAT)) {
  Deno.test(`cborKinesis() takes ${what} for no word about the format`, async () => {
    let isFaulty = true;
    await using one = bed(() => isFaulty ? answer : inCbor(page));
    await assertRejects(one.read, AwsServiceError);
    isFaulty = false;
    assertEquals(await one.read(), expected);
    assertEquals([[...new Set(one.formats())], one.notices], [["cbor"], []]);
  });
}

Deno.test("cborKinesis() stays with CBOR when the connection breaks within an answer", async () => {
  let answers = 0;
  const cut = Uint8Array.from(cbor(page)).subarray(0, 40);
  await using one = bed(() => ++answers === 1 ? { stream: [cut, "disconnect"] } : inCbor(page));
  assertEquals(await one.read(), expected);
  assertEquals([one.formats(), one.notices], [["cbor", "cbor"], []]);
});

Deno.test("cborKinesis() says once why it reads in JSON, and nothing of what was answered", async () => {
  const secret = { ...page.Records[0], Data: "c2VjcmV0" };
  await using one = bed(({ headers }) => isCbor(headers) ? inCbor({ Records: [secret] }) : inJson);
  await one.read();
  assertEquals(one.notices.map((notice) => JSON.parse(notice)), [{
    type: "notice",
    level: "warning",
    text: "GetRecords is not answered in CBOR here: expected Data to be bytes: got text of 8 characters. " +
      "Reading in JSON from now on.",
  }]);
});

for (
  const [what, answer] of Object.entries({
    ...badAnswers({ data: new Uint8Array([1]), time: 1.7e12 }),
    ...BAD_ITERATORS,
  })
) {
  Deno.test(`cborKinesis() does not believe an answer that has ${what}, and asks in JSON`, async () => {
    await using one = bed(({ headers }) => isCbor(headers) ? inCbor(answer) : inJson);
    assertEquals(await one.read(), expected);
    assertEquals(one.formats(), ["cbor", "json"]);
  });
}

import { assert, assertEquals } from "@std/assert";
import { documentText, LEAST_DOCUMENT_BYTES } from "../../../src/failures/letters/document.ts";
import { letterId } from "../../../src/failures/letters/letter_id.ts";
import cases from "../../cases/dead_letter_documents.json" with { type: "json" };
import fc from "../../support/fast_check.ts";
import { seeded } from "../../support/seed.ts";
import { letterOf, recordOf } from "./fixtures.ts";

/** A member by its path; undefined where there is none. */
// deno-lint-ignore no-explicit-any -- any document of JSON
function at(document: any, path: string): unknown {
  return path.split(".").reduce((part, name) => part?.[name], document);
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const read = (letter: Parameters<typeof documentText>[0], options = {}) =>
  JSON.parse(documentText(letter, options));

// deno-lint-ignore no-explicit-any -- cases differ in their members
for (const { comment, letter = {}, records, options = {}, document } of cases as any[]) {
  Deno.test(`documentText() of ${comment}`, () => {
    const given = letterOf({
      ...Object.fromEntries(Object.entries(letter).map(([name, value]) => [name, value ?? undefined])),
      ...(records === undefined ? {} : {
        records: records.map(({ sequenceNumber, ...more }: { sequenceNumber: string }) =>
          recordOf(sequenceNumber, "x", { aggregated: true, ...more })
        ),
      }),
    });
    const found = read(given, options);
    for (const [path, value] of Object.entries(document)) {
      const expected = JSON.parse(JSON.stringify(value).replace('"(id)"', `"${letterId(given)}"`));
      assertEquals(at(found, path), expected ?? undefined, path);
    }
  });
}

// The three ways in which redrive scripts read Lambda's document, and what each takes out of it.
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  "getShardIterator by stream name": [
    "KinesisBatchInfo.streamArn",
    "KinesisBatchInfo.shardId",
    "KinesisBatchInfo.startSequenceNumber",
    "KinesisBatchInfo.batchSize",
  ],
  "reads until the end of the batch": [
    "KinesisBatchInfo.startSequenceNumber",
    "KinesisBatchInfo.endSequenceNumber",
    "KinesisBatchInfo.approximateArrivalOfFirstRecord",
    "KinesisBatchInfo.approximateArrivalOfLastRecord",
  ],
  "counts and reports": [
    "requestContext.requestId",
    "requestContext.functionArn",
    "requestContext.condition",
    "requestContext.approximateInvokeCount",
    "responseContext.statusCode",
    "responseContext.executedVersion",
    "responseContext.functionError",
    "version",
    "timestamp",
  ],
};

for (const [script, paths] of Object.entries(SCRIPTS)) {
  Deno.test(`documentText() has what a script takes that ${script}`, () => {
    const found = read(letterOf());
    for (const path of paths) assert(at(found, path) !== undefined, path);
    assertEquals(String(at(found, "KinesisBatchInfo.streamArn")).split("/").at(-1), "orders");
  });
}

Deno.test("documentText() holds the records while the whole fits, to the byte", () => {
  const letter = letterOf({ records: [recordOf("100", new Uint8Array(60_000))] });
  const whole = documentText(letter);
  const limit = bytesOf(whole);
  assertEquals(documentText(letter, { maxBytes: limit }), whole);
  const less = documentText(letter, { maxBytes: limit - 1 });
  const { records, kclite } = JSON.parse(less);
  assertEquals(records, undefined);
  assertEquals(kclite.recordsLeftOut, `the whole would have more than ${limit - 1} bytes`);
  assertEquals(kclite.positions, ["100"]);
});

Deno.test("documentText() names at most 1,000 positions, and none where they do not fit", () => {
  const letter = (count: number) =>
    letterOf({
      records: Array.from({ length: count }, (_, i) =>
        recordOf(`${10n ** 55n + BigInt(i)}`, new Uint8Array(300))),
    });
  assertEquals(read(letter(1000)).kclite.positions.length, 1000);
  assertEquals(read(letter(1001)).kclite.positions, undefined);
  assertEquals(read(letter(1001)).kclite.recordCount, 1001);
  const small = documentText(letter(1000), { maxBytes: LEAST_DOCUMENT_BYTES });
  assert(bytesOf(small) <= LEAST_DOCUMENT_BYTES);
  assertEquals(JSON.parse(small).kclite.positions, undefined);
});

Deno.test("documentText() cuts an error at 2 KB of UTF-8, within no character", () => {
  for (const char of ["x", "é", "語", "💥"]) {
    const { errorMessage } = read(letterOf({ error: char.repeat(5000) })).kclite;
    assert(bytesOf(errorMessage) <= 2048 && bytesOf(errorMessage) > 2040, `${bytesOf(errorMessage)}`);
    assert(errorMessage.endsWith(`${char}…`), errorMessage.slice(-3));
  }
  assertEquals(read(letterOf({ error: "x".repeat(2048) })).kclite.errorMessage.length, 2048);
  class Long extends Error {
    override name = "N".repeat(1000);
  }
  assert(read(letterOf({ error: new Long() })).kclite.errorName.length <= 200);
});

Deno.test("documentText() shows no key and no password of an error", () => {
  const error = new Error("connect postgres://app:hunter2@db/orders", {
    cause: new Error("AKIAIOSFODNN7EXAMPLE password=tiger Authorization: Bearer abc.def"),
  });
  const { errorMessage } = read(letterOf({ error })).kclite;
  for (const secret of ["hunter2", "IOSFODNN7", "tiger", "abc.def"]) {
    assert(!errorMessage.includes(secret), errorMessage);
  }
  assert(errorMessage.startsWith("connect postgres://app:…@db/orders"), errorMessage);
});

Deno.test("documentText() of any text and bytes is one line that fits, and reads back as it was", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.uint8Array({ maxLength: 1000 }),
      (partitionKey, message, data) => {
        const text = documentText(
          letterOf({ error: new Error(message), records: [recordOf("1", data, { partitionKey })] }),
          { maxBytes: LEAST_DOCUMENT_BYTES },
        );
        assert(bytesOf(text) <= LEAST_DOCUMENT_BYTES);
        // deno-lint-ignore no-control-regex -- what ends a line, or what SQS refuses
        assert(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/.test(text), text);
        assert(text.isWellFormed());
        const [record] = JSON.parse(text).records;
        assertEquals(record.partitionKey, partitionKey);
        assertEquals(Uint8Array.from(atob(record.data), (char) => char.charCodeAt(0)), data);
      },
    ),
    seeded(),
  );
});

Deno.test("documentText() escapes what ends a line for some readers, and what SQS refuses", () => {
  const odd = "a\u007f\u0085\u2028\u2029\ufffe\uffff\ud800b";
  const text = documentText(letterOf({ records: [recordOf("1", "x", { partitionKey: odd })] }));
  assert(text.includes(String.raw`"a\u007f\u0085\u2028\u2029\ufffe\uffff\ud800b"`), text);
});

Deno.test("documentText() of an error that cannot be looked at says so", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const error of [proxy, null, Object.create(null), Symbol("x"), new Error("\ud800")]) {
    const { errorMessage } = read(letterOf({ error })).kclite;
    assert(typeof errorMessage === "string" && errorMessage !== "", errorMessage);
  }
});

Deno.test("letterId() is the same for the same records of an application, whoever gives them up", () => {
  const records = [recordOf("1"), recordOf("2", "x", { subSequenceNumber: 3 })];
  const id = letterId(letterOf({ records }));
  assert(/^[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), id);
  assertEquals(letterId(letterOf({ records, workerId: "w-2", attempts: 9, error: undefined })), id);
  const others = [
    { records: records.slice(1) },
    { records: [records[0], recordOf("2")].filter((record) => record !== undefined) },
    { records, shardId: "shardId-000000000002" },
    { records, applicationName: "other" },
    { records, streamArn: "arn:aws:kinesis:eu-central-1:123456789012:stream/other" },
  ].map((more) => letterId(letterOf(more)));
  assertEquals(new Set([id, ...others]).size, 6);
});

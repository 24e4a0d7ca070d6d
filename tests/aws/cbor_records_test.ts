import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { fieldsOf } from "../../src/aws/answer_fields.ts";
import { decodeCbor } from "../../src/aws/cbor.ts";
import { CBOR_ENCODING, getRecordsOutputInCbor } from "../../src/aws/cbor_kinesis.ts";
import { RECORDS_MEMBER } from "../../src/aws/cbor_records.ts";
import { type GetRecordsOutput, getRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import { cbor } from "../support/cbor.ts";
import { seeded } from "../support/seed.ts";

/** The plain path: maps first, then records. */
function plainly(bytes: Uint8Array): GetRecordsOutput {
  return getRecordsOutput(fieldsOf(decodeCbor(bytes), "an answer"), CBOR_ENCODING);
}

/** What a way of reading gives, or that it refuses. */
function outcome(read: (bytes: Uint8Array) => GetRecordsOutput, bytes: Uint8Array): unknown {
  try {
    return read(bytes);
  } catch (error) {
    assert(error instanceof SyntaxError, String(error));
    return "refused";
  }
}

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 300 }),
  fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }),
  fc.constantFrom('"', "\\", "\u0000\u001f", "\ufeffbom", "\u2028", "NONE", "a".repeat(65_600)),
);
const records = fc.array(
  fc.record({
    step: fc.oneof(fc.bigInt(1n, 9n), fc.bigInt(1n, 10n ** 70n)),
    key,
    data: fc.uint8Array({ maxLength: 300 }),
    time: fc.integer({ min: 2 ** 32, max: 8.64e15 }),
    encryption: fc.constantFrom("NONE", "KMS", undefined),
  }),
  { maxLength: 40 },
);

function recordsOf(parts: typeof records extends fc.Arbitrary<infer T> ? T : never): readonly object[] {
  let number = 0n;
  return parts.map(({ step, key, data, time, encryption }) => ({
    SequenceNumber: `${number += step}`,
    ApproximateArrivalTimestamp: new Date(time),
    Data: data,
    PartitionKey: key,
    ...(encryption === undefined ? {} : { EncryptionType: encryption }),
  }));
}

const page = fc.tuple(records, fc.boolean()).map(([parts, isIndefinite]) => {
  const answer = { Records: recordsOf(parts), NextShardIterator: "next", MillisBehindLatest: 7 };
  return Uint8Array.from(cbor(answer, isIndefinite));
});

Deno.test("getRecordsOutputInCbor() reads random pages in one pass, to what the plain path gives", () => {
  fc.assert(
    fc.property(page, (bytes) => {
      const listAt = 1 + cbor("Records").length;
      assert(RECORDS_MEMBER.read(bytes, listAt) !== undefined, "not read in one pass");
      assertEquals(getRecordsOutputInCbor(bytes), plainly(bytes));
    }),
    { ...seeded(), numRuns: 300 },
  );
});

Deno.test("getRecordsOutputInCbor() refuses and believes what the plain path does, whatever byte is wrong", () => {
  fc.assert(
    fc.property(page, fc.nat(), fc.nat(255), (bytes, place, byte) => {
      bytes[place % bytes.length] = byte;
      assertEquals(outcome(getRecordsOutputInCbor, bytes), outcome(plainly, bytes));
    }),
    { ...seeded(), numRuns: 2000 },
  );
});

Deno.test("getRecordsOutputInCbor() refuses every page that is cut off", () => {
  fc.assert(
    fc.property(page, fc.nat(), (bytes, place) => {
      assertEquals(outcome(getRecordsOutputInCbor, bytes.subarray(0, place % bytes.length)), "refused");
    }),
    { ...seeded(), numRuns: 300 },
  );
});

const RECORD = {
  SequenceNumber: "5",
  ApproximateArrivalTimestamp: new Date(1_769_774_400_123),
  Data: Uint8Array.of(1),
  PartitionKey: "key",
};
const { SequenceNumber: _, ...NO_NUMBER } = RECORD;
const { PartitionKey: __, ...NO_KEY } = RECORD;
const { Data: ___, ...NO_DATA } = RECORD;
const { ApproximateArrivalTimestamp: ____, ...NO_TIME } = RECORD;

/** A map with a member that is given twice. */
function twice(record: object, again: object): number[] {
  return [0xbf, ...[record, again].flatMap((part) => cbor(part, true).slice(1, -1)), 0xff];
}

const UNUSUAL: Readonly<Record<string, readonly number[]>> = {
  "no SequenceNumber": cbor(NO_NUMBER),
  "no PartitionKey": cbor(NO_KEY),
  "no Data": cbor(NO_DATA),
  "no time": cbor(NO_TIME),
  "a member that nobody knows": cbor({ ...RECORD, StreamMode: { is: ["new"] } }),
  "null for no encryption": cbor({ ...RECORD, EncryptionType: null }),
  "another encryption": cbor({ ...RECORD, EncryptionType: "AES" }),
  "a time in few bytes": cbor({ ...RECORD, ApproximateArrivalTimestamp: 5 }),
  "a time with a fraction": cbor({ ...RECORD, ApproximateArrivalTimestamp: 1_769_774_400_123.5 }),
  "a time before 1970": cbor({ ...RECORD, ApproximateArrivalTimestamp: -0.7 }),
  "a time that no Date can hold": cbor({ ...RECORD, ApproximateArrivalTimestamp: 9e15 }),
  "a time in bigint": cbor(NO_TIME).with(0, 0xa4).concat(cbor("ApproximateArrivalTimestamp"), [
    0x1b,
    ...new Array(8).fill(0xff),
  ]),
  "Data of text": cbor({ ...RECORD, Data: "AQ==" }),
  "Data in pieces": [...cbor(NO_DATA).with(0, 0xa4), ...cbor("Data"), 0x5f, 0x41, 1, 0x41, 2, 0xff],
  "an empty key": cbor({ ...RECORD, PartitionKey: "" }),
  "a key of broken UTF-8": [...cbor(NO_KEY).with(0, 0xa4), ...cbor("PartitionKey"), 0x63, 0x61, 0xe2, 0x82],
  "a number with a zero in front": cbor({ ...RECORD, SequenceNumber: "05" }),
  "a number of 130 digits": cbor({ ...RECORD, SequenceNumber: "9".repeat(130) }),
  "a number of 129 digits": cbor({ ...RECORD, SequenceNumber: "9".repeat(129) }),
  "the number 0": cbor({ ...RECORD, SequenceNumber: "0" }),
  "a colon in a number of four": cbor({ ...RECORD, SequenceNumber: "123:" }),
  "a slash in a number of four": cbor({ ...RECORD, SequenceNumber: "12/4" }),
  "a letter at the end of a number": cbor({ ...RECORD, SequenceNumber: "12345x" }),
  "SequenceNumber twice": twice(RECORD, { SequenceNumber: "6" }),
  "PartitionKey twice": twice(RECORD, { PartitionKey: "other" }),
  "Data twice": twice(RECORD, { Data: Uint8Array.of(2) }),
  "the time twice": twice(RECORD, { ApproximateArrivalTimestamp: new Date(1_769_774_400_124) }),
  "encryption twice": twice({ ...RECORD, EncryptionType: "NONE" }, { EncryptionType: "KMS" }),
  "a member with another name of the same length": cbor({ ...RECORD, SequenceNumbes: "6" }),
  "a text in the place of a record": cbor("record"),
};

for (const [what, record] of Object.entries(UNUSUAL)) {
  Deno.test(`getRecordsOutputInCbor() reads a record that has ${what} as the plain path does`, () => {
    const answer = (...list: readonly (readonly number[])[]) =>
      Uint8Array.from([0xa1, ...cbor("Records"), 0x80 + list.length, ...list.flat()]);
    const before = cbor({ ...RECORD, SequenceNumber: "4" }), after = cbor({ ...RECORD, SequenceNumber: "7" });
    for (
      const bytes of [answer(record), answer(before, record), answer(record, after), answer(record, record)]
    ) {
      assertEquals(outcome(getRecordsOutputInCbor, bytes), outcome(plainly, bytes));
    }
  });
}

Deno.test("getRecordsOutputInCbor() believes the last of two lists of records, as the plain path does", () => {
  const usual = cbor([RECORD]), unusual = cbor([{ ...RECORD, Unknown: 1 }]), none = cbor(null);
  for (const [first, last] of [[usual, unusual], [unusual, usual], [usual, none], [usual, usual]] as const) {
    const bytes = Uint8Array.from([0xa2, ...cbor("Records"), ...first, ...cbor("Records"), ...last]);
    assertEquals(getRecordsOutputInCbor(bytes), plainly(bytes));
  }
});

Deno.test("getRecordsOutputInCbor() takes records for none that are within something else", () => {
  const bytes = Uint8Array.from(cbor({ Records: [], Other: { Records: [RECORD] } }));
  assertEquals(getRecordsOutputInCbor(bytes).records, []);
});

Deno.test("getRecordsOutputInCbor() gives payloads as views of the answer, wherever it lies in memory", () => {
  const message = cbor({ Records: [RECORD] });
  const bytes = Uint8Array.from([0, 0, ...message, 0]).subarray(2, 2 + message.length);
  const data = getRecordsOutputInCbor(bytes).records[0]?.data;
  assertEquals(data, Uint8Array.of(1));
  assertStrictEquals(data?.buffer, bytes.buffer);
});

Deno.test("getRecordsOutputInCbor() gives texts that do not keep those of their page in memory", () => {
  const bytes = Uint8Array.from(cbor({
    Records: Array.from({ length: 200 }, (_, i) => ({
      ...RECORD,
      SequenceNumber: `${10n ** 50n + BigInt(i)}`,
      PartitionKey: "k".repeat(250),
    })),
  }));
  const kept: (string | undefined)[] = [];
  const before = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < 6000; i++) {
    const record = getRecordsOutputInCbor(bytes).records[i % 200];
    kept.push(record?.sequenceNumber, record?.partitionKey);
  }
  // 6,000 pages have 360 MB of texts.
  assertLess(Deno.memoryUsage().heapUsed - before, 150 * 2 ** 20);
  assertEquals(kept.length, 12_000);
});

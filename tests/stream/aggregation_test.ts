import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { createHash } from "node:crypto";
import {
  AggregateOpener,
  type AggregateProblem,
  deaggregate,
  deaggregateAll,
  looksAggregated,
} from "../../src/stream/aggregation.ts";
import { USER_RECORD_BYTES } from "../../src/stream/aggregate.ts";
import type { HashKeyRange } from "../../src/stream/hash_key.ts";
import { type KinesisRecord, kinesisRecord, type RecordFields } from "../../src/stream/record.ts";
import { compare } from "../../src/stream/sequence_number.ts";
import golden from "../cases/kpl_aggregates.json" with { type: "json" };
import {
  aggregate,
  aggregatedRecord,
  bytesField,
  message,
  sealed,
  type UserRecord,
  utf8,
  varintField,
} from "../support/kpl.ts";
import { seeded } from "../support/seed.ts";

function record(data: Uint8Array): KinesisRecord {
  return kinesisRecord({
    sequenceNumber: "49590338271490256608559692538361571095921575989136588898",
    subSequenceNumber: 0,
    partitionKey: "outer",
    explicitHashKey: undefined,
    data,
    approximateArrivalTimestamp: 1_769_774_400_123,
    encryptionType: "KMS",
    aggregated: false,
  });
}

/** What is delivered for a payload, with what was complained about. */
function delivered(data: Uint8Array, range?: HashKeyRange) {
  const problems: AggregateProblem[] = [];
  const outer = record(data);
  const records = deaggregate(outer, range, (problem) => problems.push(problem));
  return { outer, records, outcomes: problems.map((problem) => problem.outcome) };
}

const keysAndData = (records: readonly RecordFields[]) =>
  records.map(({ partitionKey, explicitHashKey, data }) => ({
    partitionKey,
    explicitHashKey,
    data: [...data],
  }));

const hello: UserRecord = { partitionKey: "a", data: utf8("hello") };
const world: UserRecord = { partitionKey: "b", data: utf8("world") };

for (const { comment, payload, userRecords } of golden.cases) {
  Deno.test(`deaggregate() reads an aggregate of AWS's own aggregator: ${comment}`, () => {
    const bytes = (base64: string) => [...atob(base64)].map((character) => character.charCodeAt(0));
    const { records, outcomes } = delivered(Uint8Array.from(bytes(payload)));
    assertEquals(outcomes, []);
    assertEquals(
      keysAndData(records),
      userRecords.map((userRecord: { partitionKey: string; explicitHashKey?: string; data: string }) => ({
        partitionKey: userRecord.partitionKey,
        explicitHashKey: userRecord.explicitHashKey,
        data: bytes(userRecord.data),
      })),
    );
  });
}

Deno.test("deaggregate() takes everything but key and payload from the outer record, and numbers from 0", () => {
  const { outer, records } = delivered(aggregate([hello, world, hello]));
  assertEquals(
    records,
    [
      { ...outer, partitionKey: "a", data: utf8("hello"), subSequenceNumber: 0, aggregated: true },
      { ...outer, partitionKey: "b", data: utf8("world"), subSequenceNumber: 1, aggregated: true },
      { ...outer, partitionKey: "a", data: utf8("hello"), subSequenceNumber: 2, aggregated: true },
    ].map(kinesisRecord),
  );
});

Deno.test("deaggregate() gives payloads as views of the outer record's memory", () => {
  const { outer, records } = delivered(aggregate([hello]));
  assertStrictEquals(records[0]?.data.buffer, outer.data.buffer);
});

Deno.test("deaggregate() yields nothing for an aggregate without user records", () => {
  const { records, outcomes } = delivered(sealed(message(bytesField(1, utf8("unused")))));
  assertEquals({ records, outcomes }, { records: [], outcomes: [] });
});

Deno.test("deaggregate() reads keys as protobuf-java does: broken UTF-8 replaced, a byte-order mark kept", () => {
  const entry = (key: number) => bytesField(3, message(varintField(1, key), bytesField(3, utf8("x"))));
  const { records } = delivered(sealed(message(
    bytesField(1, Uint8Array.of(0x61, 0xff)),
    bytesField(1, utf8("\ufeffb")),
    entry(0),
    entry(1),
  )));
  assertEquals(records.map((userRecord) => userRecord.partitionKey), ["a\ufffd", "\ufeffb"]);
});

Deno.test("deaggregate() reads tables that come after the records, unknown fields, and tags", () => {
  const tag = bytesField(4, message(bytesField(1, utf8("name")), bytesField(2, utf8("value"))));
  const { records, outcomes } = delivered(sealed(message(
    bytesField(
      3,
      message(varintField(9, 1), varintField(1, 5), bytesField(3, utf8("x")), tag, varintField(1, 0)),
    ),
    bytesField(15, utf8("of a later version")),
    bytesField(1, utf8("late")),
  )));
  assertEquals(outcomes, []);
  assertEquals(keysAndData(records), [{
    partitionKey: "late",
    explicitHashKey: undefined,
    data: [...utf8("x")],
  }]);
});

// Invariant 38: what is not quite an aggregate is delivered raw and unchanged.

const good = aggregate([hello, world]);
const entry = bytesField(3, message(varintField(1, 0), bytesField(3, utf8("x"))));
const NOT_AGGREGATES: Readonly<Record<string, Uint8Array>> = {
  "nothing but the magic": good.subarray(0, 4),
  "magic and 16 bytes": sealed(new Uint8Array()),
  "a wrong MD5": good.map((byte, i) => i === good.length - 1 ? byte ^ 1 : byte),
  "a flipped bit in the message": good.map((byte, i) => i === 10 ? byte ^ 1 : byte),
  "a cut-off tail": good.subarray(0, -1),
  "a message that is not protobuf": sealed(utf8("not protobuf at all")),
  "a user record without partition key": sealed(
    message(entry, bytesField(3, message(bytesField(3, utf8("x"))))),
  ),
  "a user record without data": sealed(
    message(bytesField(1, utf8("k")), bytesField(3, message(varintField(1, 0)))),
  ),
  "a tag without key": sealed(
    message(
      bytesField(1, utf8("k")),
      bytesField(
        3,
        message(
          varintField(1, 0),
          bytesField(3, utf8("x")),
          bytesField(4, message(bytesField(2, utf8("v")))),
        ),
      ),
    ),
  ),
};

for (const [what, data] of Object.entries(NOT_AGGREGATES)) {
  Deno.test(`deaggregate() delivers raw: ${what}`, () => {
    const { outer, records, outcomes } = delivered(data);
    assertEquals(records.length, 1);
    assertStrictEquals(records[0], outer);
    assertEquals(outcomes, ["deliveredRaw"]);
  });
}

Deno.test("deaggregate() says nothing of records that do not begin like an aggregate", () => {
  for (const data of [utf8(""), utf8("plain"), good.subarray(1), good.subarray(0, 3)]) {
    const { outer, records, outcomes } = delivered(data);
    assertStrictEquals(records[0], outer);
    assertEquals([records.length, outcomes.length], [1, 0]);
    assert(!looksAggregated(data));
  }
});

// Invariant 39: an aggregate with a user record outside the shard is dropped whole; both ends belong to the shard.

function hashKey(partitionKey: string): bigint {
  return BigInt(`0x${createHash("md5").update(partitionKey).digest("hex")}`);
}

Deno.test("deaggregate() drops an aggregate whole when a hash key lies outside the shard, both ends inclusive", () => {
  const [low, high] = [hashKey("a"), hashKey("b")].sort((a, b) => a < b ? -1 : 1) as [bigint, bigint];
  const countWithin = (start: bigint, end: bigint) =>
    delivered(aggregate([hello, world]), { startingHashKey: `${start}`, endingHashKey: `${end}` });
  assertEquals(countWithin(low, high).records.length, 2);
  for (const [start, end] of [[low + 1n, high], [low, high - 1n]] as const) {
    const { records, outcomes } = countWithin(start, end);
    assertEquals([records.length, outcomes], [0, ["dropped"]]);
  }
});

Deno.test("deaggregate() goes by the explicit hash key where there is one", () => {
  const at = (explicitHashKey: string) => aggregate([{ ...hello, explicitHashKey }]);
  const range = { startingHashKey: "5", endingHashKey: "9" };
  assertEquals(delivered(at("5"), range).records[0]?.explicitHashKey, "5");
  assertEquals(delivered(at("9"), range).records.length, 1);
  assertEquals(delivered(at("10"), range).outcomes, ["dropped"]);
  assertEquals(delivered(at("4"), range).outcomes, ["dropped"]);
  assertEquals(delivered(at(`${1n << 128n}`)).outcomes, ["dropped"], "beyond every shard");
});

Deno.test("deaggregate() hashes what a key was read as, not its broken UTF-8", () => {
  const data = sealed(message(
    bytesField(1, Uint8Array.of(0x61, 0xff)),
    bytesField(3, message(varintField(1, 0), bytesField(3, utf8("x")))),
  ));
  const only = `${hashKey("a\ufffd")}`;
  assertEquals(delivered(data, { startingHashKey: only, endingHashKey: only }).records.length, 1);
});

// KCL's rule for a message that is valid but names a key that is not there.

for (
  const [what, broken] of Object.entries({
    "a partition key beyond its table": [varintField(1, 1), bytesField(3, utf8("x"))],
    "a partition key at a negative index": [varintField(1, -1), bytesField(3, utf8("x"))],
    "an explicit hash key beyond its table": [varintField(1, 0), varintField(2, 0), bytesField(3, utf8("x"))],
  })
) {
  Deno.test(`deaggregate() keeps the user records before one with ${what}, and tells of the loss`, () => {
    const { records, outcomes } = delivered(
      sealed(message(bytesField(1, utf8("k")), entry, bytesField(3, message(...broken)), entry)),
    );
    assertEquals([records.length, outcomes], [1, ["cutShort"]]);
  });
}

Deno.test("deaggregate() takes an explicit hash key that is not decimal for a missing one", () => {
  for (const explicitHashKey of ["0x10", "", " 5", "5n", "ten"]) {
    const table = bytesField(2, utf8(explicitHashKey));
    const user = bytesField(3, message(varintField(1, 0), varintField(2, 0), bytesField(3, utf8("x"))));
    const { records, outcomes } = delivered(sealed(message(bytesField(1, utf8("k")), table, entry, user)));
    assertEquals([records.length, outcomes], [1, ["cutShort"]], JSON.stringify(explicitHashKey));
  }
});

Deno.test("deaggregateAll() returns the very same page when it holds no aggregate", () => {
  const page = [record(utf8("1")), record(utf8("2"))];
  assertStrictEquals(deaggregateAll(page, undefined), page);
});

Deno.test("deaggregateAll() keeps the order of a mixed page", () => {
  const page = [utf8("1"), aggregate([hello, world]), utf8("4"), aggregate([world])].map(record);
  const texts = deaggregateAll(page, undefined).map(({ data }) => new TextDecoder().decode(data));
  assertEquals(texts, ["1", "hello", "world", "4", "world"]);
});

const userRecords = fc.array(
  fc.record({
    partitionKey: fc.oneof(fc.constantFrom("a", "b"), fc.string({ unit: "grapheme", minLength: 1 })),
    explicitHashKey: fc.option(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(String), {
      nil: undefined,
    }),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  { minLength: 1, maxLength: 150 },
);

Deno.test("deaggregate() undoes any aggregation", () => {
  fc.assert(
    fc.property(userRecords, (input) => {
      const { records, outcomes } = delivered(aggregate(input));
      assertEquals(outcomes, []);
      assertEquals(keysAndData(records), keysAndData(input.map((one) => ({ ...record(one.data), ...one }))));
      assertEquals(records.map((one) => one.subSequenceNumber), input.map((_, i) => i));
    }),
    seeded(),
  );
});

Deno.test("deaggregate() numbers user records alike each time, so a restart inside an aggregate resumes after its checkpoint", () => {
  fc.assert(
    fc.property(userRecords, fc.nat(), (input, place) => {
      const data = aggregate(input);
      const checkpoint = delivered(data).records[place % input.length];
      assert(checkpoint !== undefined);
      const rest = delivered(data).records.filter((one) => compare(one, checkpoint) > 0);
      assertEquals(rest.map((one) => one.data), input.slice(place % input.length + 1).map((one) => one.data));
    }),
    seeded(),
  );
});

Deno.test("deaggregate() delivers raw whatever one changed byte makes of an aggregate", () => {
  fc.assert(
    fc.property(userRecords, fc.nat(), fc.integer({ min: 1, max: 255 }), (input, place, change) => {
      const data = aggregate(input);
      const at = place % data.length;
      data[at] = (data[at] ?? 0) ^ change;
      const { outer, records } = delivered(data);
      assertEquals(records.length, 1);
      assertStrictEquals(records[0], outer);
    }),
    seeded(),
  );
});

Deno.test("deaggregate() neither throws nor reads beyond the payload, whatever the message holds", () => {
  const mutation = fc.tuple(fc.nat(), fc.nat(255));
  let unpacked = 0;
  fc.assert(
    fc.property(userRecords, fc.array(mutation, { minLength: 1, maxLength: 4 }), (input, mutations) => {
      const body = aggregatedRecord(input);
      for (const [place, value] of mutations) body[place % body.length] = value;
      const payload = sealed(body);
      const guarded = new Uint8Array(payload.length + 64).fill(0xee);
      guarded.set(payload, 32);
      const { records } = delivered(guarded.subarray(32, 32 + payload.length));
      for (const { data } of records) {
        assert(data.byteOffset >= 32 && data.byteOffset + data.length <= 32 + payload.length);
      }
      if (records.some((one) => one.aggregated)) unpacked++;
    }),
    { ...seeded(), numRuns: 500 },
  );
  assert(unpacked > 20, `only ${unpacked} mutated messages were still readable: the test shows too little`);
});

/** How often, and of what, BigInts are made of text while something runs. */
function bigIntsDuring(work: () => void): string[] {
  const texts: string[] = [];
  const { BigInt: original } = globalThis;
  const counting = (value: string | number | bigint | boolean) => {
    if (typeof value === "string") texts.push(value);
    return original(value);
  };
  Object.assign(globalThis, { BigInt: counting });
  try {
    work();
  } finally {
    Object.assign(globalThis, { BigInt: original });
  }
  return texts;
}

Deno.test("deaggregate() decides about an explicit hash key once, however many user records name it", () => {
  const user = bytesField(3, message(varintField(1, 0), varintField(2, 0), bytesField(3, utf8("x"))));
  const named = (hashKey: string) =>
    sealed(
      message(
        bytesField(1, utf8("k")),
        bytesField(2, utf8(hashKey)),
        ...Array.from({ length: 500 }, () => user),
      ),
    );
  const range = { startingHashKey: "4", endingHashKey: "9" };
  const data = named("7");
  assertEquals(bigIntsDuring(() => assertEquals(delivered(data, range).records.length, 500)), [
    "4",
    "9",
    "7",
  ]);
});

Deno.test("deaggregate() computes no explicit hash key of more than 39 digits: it belongs to no shard", () => {
  for (const hashKey of ["0".repeat(500_000), "9".repeat(500_000), "1".repeat(40), `-${"0".repeat(40)}`]) {
    const data = aggregate([{ ...hello, explicitHashKey: hashKey }, hello]);
    const texts = bigIntsDuring(() => assertEquals(delivered(data).outcomes, ["dropped"]));
    assertEquals(texts, []);
  }
  assertEquals(delivered(aggregate([{ ...hello, explicitHashKey: "0".repeat(39) }])).records.length, 1);
  assertEquals(delivered(aggregate([{ ...hello, explicitHashKey: "+5" }])).records[0]?.explicitHashKey, "+5");
  // No digits, no number, as ever.
  assertEquals(delivered(aggregate([hello, { ...hello, explicitHashKey: "x".repeat(50) }])).outcomes, [
    "cutShort",
  ]);
});

Deno.test("AggregateOpener.open() yields again and again while it checks a large aggregate", () => {
  const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`);
  const many = Array.from(
    { length: 40_000 },
    (_, i) => ({ partitionKey: keys[i % 3000] ?? "", data: utf8("") }),
  );
  for (const range of [undefined, { startingHashKey: "0", endingHashKey: `${(1n << 128n) - 2n}` }]) {
    const opening = new AggregateOpener(range).open(record(aggregate(many)));
    let yields = 0, step = opening.next();
    for (; !step.done; step = opening.next()) yields++;
    assertEquals(step.value?.left, 40_000);
    assert(yields >= 4, `${yields} times`);
  }
});

Deno.test("Aggregate.take() goes on where it was, and skip() passes over user records", () => {
  const input = Array.from({ length: 10 }, (_, i) => ({ partitionKey: `key ${i % 3}`, data: utf8(`${i}`) }));
  const opening = new AggregateOpener(undefined).open(record(aggregate(input)));
  let step = opening.next();
  while (!step.done) step = opening.next();
  const taken: KinesisRecord[] = [];
  step.value?.skip(2);
  step.value?.take(taken, { records: 3, bytes: Infinity });
  assertEquals([taken.map((one) => one.subSequenceNumber), step.value?.left], [[2, 3, 4], 5]);
  assertEquals(step.value?.take(taken, { records: 5, bytes: Infinity }), 2 * (USER_RECORD_BYTES + 5));
  assertEquals(step.value?.take(taken, { records: Infinity, bytes: 1 }), USER_RECORD_BYTES + 5);
  step.value?.skip(9);
  assertEquals([step.value?.left, step.value?.take(taken, { records: Infinity, bytes: Infinity })], [0, 0]);
  assertEquals(keysAndData(taken), keysAndData(delivered(aggregate(input)).records.slice(2, 8)));
});

/**
 * Answers of Kinesis that must not be believed: each has one field that is missing or wrong, whatever
 * encoding it comes in.
 *
 * @module
 */

/** A record of an answer, with a payload as its encoding has it. */
export interface AnswerParts {
  readonly data: unknown;
  readonly time: unknown;
}

/**
 * Answers to GetRecords by what is wrong with them; as events of a subscription all but the iterators are
 * wrong too.
 */
export function badAnswers(
  { data, time }: AnswerParts,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const record = { SequenceNumber: "5", PartitionKey: "key", Data: data, ApproximateArrivalTimestamp: time };
  const range = { StartingHashKey: "0", EndingHashKey: "9" };
  const child = { ShardId: "child", ParentShards: ["a"], HashKeyRange: range };
  const withRecord = (changes: object) => ({
    Records: [present({ ...record, ...changes })],
    NextShardIterator: "n",
  });
  const withChild = (changes: object) => ({ Records: [], ChildShards: [present({ ...child, ...changes })] });
  return {
    "no Records": { NextShardIterator: "n" },
    "Records that are no list": { Records: { 0: record }, NextShardIterator: "n" },
    "a record that is a text": { Records: ["x"], NextShardIterator: "n" },
    "a record that is null": { Records: [null], NextShardIterator: "n" },
    "no SequenceNumber": withRecord({ SequenceNumber: undefined }),
    "a SequenceNumber that is a number": withRecord({ SequenceNumber: 5 }),
    "a SequenceNumber of 130 nines": withRecord({ SequenceNumber: "9".repeat(130) }),
    "a SequenceNumber with a zero in front": withRecord({ SequenceNumber: "05" }),
    "a SequenceNumber with a sign": withRecord({ SequenceNumber: "-5" }),
    "a SequenceNumber that is a sentinel": withRecord({ SequenceNumber: "LATEST" }),
    "an empty SequenceNumber": withRecord({ SequenceNumber: "" }),
    "sequence numbers that fall": {
      Records: [{ ...record, SequenceNumber: "10" }, { ...record, SequenceNumber: "9" }],
      NextShardIterator: "n",
    },
    "one sequence number twice": { Records: [record, record], NextShardIterator: "n" },
    "no PartitionKey": withRecord({ PartitionKey: undefined }),
    "a PartitionKey that is a number": withRecord({ PartitionKey: 7 }),
    "no Data": withRecord({ Data: undefined }),
    "Data that are a number": withRecord({ Data: 7 }),
    "no ApproximateArrivalTimestamp": withRecord({ ApproximateArrivalTimestamp: undefined }),
    "a time that is a text": withRecord({ ApproximateArrivalTimestamp: "2026-01-01" }),
    "a time before 1970": withRecord({ ApproximateArrivalTimestamp: -1 }),
    "a time that no Date can hold": withRecord({ ApproximateArrivalTimestamp: 1e17 }),
    "a MillisBehindLatest that is a text": { Records: [], NextShardIterator: "n", MillisBehindLatest: "7" },
    "a MillisBehindLatest below 0": { Records: [], NextShardIterator: "n", MillisBehindLatest: -1 },
    "ChildShards that are no list": { Records: [], ChildShards: {} },
    "a child without ShardId": withChild({ ShardId: undefined }),
    "parents that are no list": withChild({ ParentShards: "a" }),
    "a parent that is a number": withChild({ ParentShards: [7] }),
    "a child without range": withChild({ HashKeyRange: undefined }),
    "a hash key that is a number": withChild({ HashKeyRange: { ...range, EndingHashKey: 9 } }),
    "a hash key beyond 2^128": withChild({ HashKeyRange: { ...range, EndingHashKey: `${1n << 128n}` } }),
    "a range that ends before its start": withChild({
      HashKeyRange: { StartingHashKey: "10", EndingHashKey: "9" },
    }),
  };
}

/** Without the members that are undefined, which CBOR has too. */
function present(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** Answers to GetRecords whose iterator is wrong. */
export const BAD_ITERATORS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "a NextShardIterator that is a number": { Records: [], NextShardIterator: 5 },
  "an empty NextShardIterator": { Records: [], NextShardIterator: "" },
  "a NextShardIterator that is a list": { Records: [], NextShardIterator: ["n"] },
};

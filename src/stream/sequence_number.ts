// Pure.
/**
 * Positions in a shard: a Kinesis sequence number with the sub-sequence number of a KPL user record, or one
 * of KCL's sentinels. Sequence numbers have about 186 bits: compared as BigInt, never as Number.
 *
 * Source: KCL 3.5.1, `ExtendedSequenceNumber` and `SentinelCheckpoint`.
 *
 * @module
 */

/** The sentinels that a checkpoint may hold in place of a sequence number. */
export type Sentinel = "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP" | "SHARD_END";

/** A position in a shard. */
export interface ExtendedSequenceNumber {
  /** Decimal digits, or a {@linkcode Sentinel}. */
  readonly sequenceNumber: string;
  /** Place of a user record inside a KPL aggregate, from 0; 0 for a plain record. */
  readonly subSequenceNumber: number;
}

/** Where a stream is read from when a shard has no checkpoint yet. A `Date` means AT_TIMESTAMP. */
export type InitialPosition = "TRIM_HORIZON" | "LATEST" | Date;

/** The sentinel of an initial position, as stored in a lease. */
export function sentinelOf(position: InitialPosition): "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP" {
  return position instanceof Date ? "AT_TIMESTAMP" : position;
}

/** The position of a sentinel, or of a plain sequence number. */
export function positionAt(sequenceNumber: string, subSequenceNumber = 0): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}

/** The end of a shard: greater than every other position, and final. */
export const SHARD_END: ExtendedSequenceNumber = { sequenceNumber: "SHARD_END", subSequenceNumber: 0 };

/** Whether the position is the end of the shard. */
export function isShardEnd(position: ExtendedSequenceNumber): boolean {
  return position.sequenceNumber === "SHARD_END";
}

/** Whether the position is a sentinel and not a sequence number. */
export function isSentinel(position: ExtendedSequenceNumber): boolean {
  return rankOfSentinel(position.sequenceNumber) !== undefined;
}

/**
 * Whether the text may be stored as a checkpoint: decimal digits or a sentinel. More than 129 digits are no
 * number: Kinesis has none, and the work of comparing grows faster than their count.
 */
export function isSequenceNumber(text: string): boolean {
  return DIGITS.test(text) || rankOfSentinel(text) !== undefined;
}

/**
 * Whether the text is a sequence number as Kinesis gives it to a record. Source: the API reference of
 * Kinesis, `Record`.
 */
export function isRecordNumber(text: string): boolean {
  // By hand, for each record: a regular expression takes four times as long.
  const { length } = text;
  if (length === 0 || length > 129) return false;
  if (text.charCodeAt(0) === 0x30 && length > 1) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/**
 * Orders two positions: AT_TIMESTAMP < TRIM_HORIZON < LATEST < sequence numbers < SHARD_END, then by
 * sub-sequence number. SHARD_END equals itself whatever its sub-sequence number.
 *
 * @returns Negative, 0 or positive, as for `Array.prototype.sort`.
 * @throws {SyntaxError} when a sequence number is neither digits nor a sentinel.
 */
export function compare(a: ExtendedSequenceNumber, b: ExtendedSequenceNumber): number {
  const endA = isShardEnd(a), endB = isShardEnd(b);
  if (endA || endB) {
    checked(a.sequenceNumber);
    checked(b.sequenceNumber);
    return Number(endA) - Number(endB);
  }
  const valueA = valueOf(a.sequenceNumber), valueB = valueOf(b.sequenceNumber);
  if (valueA !== valueB) return valueA < valueB ? -1 : 1;
  return a.subSequenceNumber - b.subSequenceNumber;
}

/** For people: the sequence number, with its sub-sequence number where there is one. */
export function textOf(position: ExtendedSequenceNumber): string {
  return position.subSequenceNumber === 0
    ? position.sequenceNumber
    : `${position.sequenceNumber}/${position.subSequenceNumber}`;
}

function rankOfSentinel(text: string): bigint | undefined {
  switch (text) {
    case "AT_TIMESTAMP":
      return -3n;
    case "TRIM_HORIZON":
      return -2n;
    case "LATEST":
      return -1n;
    case "SHARD_END":
      return 1n << 256n;
    default:
      return undefined;
  }
}

function valueOf(sequenceNumber: string): bigint {
  return rankOfSentinel(sequenceNumber) ?? BigInt(checked(sequenceNumber));
}

/** Digits that a program or a table may give, zeros in front included; as many as Kinesis may give. */
const DIGITS = /^\d{1,129}$/;

function checked(sequenceNumber: string): string {
  if (isSequenceNumber(sequenceNumber)) return sequenceNumber;
  throw new SyntaxError(
    `Cannot compare sequence numbers: expected at most 129 decimal digits or a sentinel: got ${
      excerptOf(sequenceNumber)
    }`,
  );
}

/** For people: a text that is no sequence number, in quotes, or the beginning of a long one. */
export function excerptOf(text: unknown): string {
  if (typeof text !== "string" || text.length <= MAX_EXCERPT) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, MAX_EXCERPT))}… (${text.length} characters)`;
}

const MAX_EXCERPT = 140;

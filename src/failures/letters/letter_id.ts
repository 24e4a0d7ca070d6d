// Pure.
/**
 * Names a dead letter by its records, so that a letter that is stored twice has one name.
 *
 * @module
 */

import { Md5 } from "../../stream/md5.ts";
import type { DeadLetter } from "../dead_letter.ts";

/** What the name is made of. */
export type NamedLetter = Pick<
  DeadLetter,
  "applicationName" | "streamName" | "streamArn" | "streamIdentifier" | "shardId" | "records"
>;

/**
 * A UUID (version 3 of RFC 9562) of application, stream, shard and the positions of the records. The same
 * records have it again after a crash, whichever worker gives them up.
 */
export function letterId(letter: NamedLetter): string {
  const { applicationName, streamName, streamArn, streamIdentifier, shardId, records } = letter;
  const words = [applicationName, streamIdentifier ?? streamArn ?? streamName, shardId];
  for (const { sequenceNumber, subSequenceNumber } of records) {
    words.push(`${sequenceNumber}:${subSequenceNumber}`);
  }
  // A copy: the digest's memory is used again.
  const hash = Uint8Array.from(
    { length: 16 },
    ((digest) => (_, i) => digest.getUint8(i))(new Md5().digest(new TextEncoder().encode(words.join("\n")))),
  );
  hash[6] = (hash[6] ?? 0) & 0x0f | 0x30;
  hash[8] = (hash[8] ?? 0) & 0x3f | 0x80;
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * CRC-32 (IEEE 802.3), the checksum of DynamoDB's `x-amz-crc32` header and of event-stream frames.
 *
 * @module
 */

import crc from "npm:crc-32@^1.2.2";

/** The checksum as an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array): number {
  return crc.buf(bytes) >>> 0;
}

/**
 * Messages of `application/vnd.amazon.eventstream`, as SubscribeToShard sends them: the other direction of
 * `aws/event_stream.ts`.
 *
 * Source: "Amazon event stream encoding" of the AWS documentation.
 *
 * @module
 */

import { crc32 } from "../../aws/crc32.ts";

/** An event: the first one of a stream is `initial-response`. */
export function eventFrame(eventType: string, payload: string): Uint8Array<ArrayBuffer> {
  return frame({
    ":event-type": eventType,
    ":content-type": "application/x-amz-json-1.1",
    ":message-type": "event",
  }, payload);
}

/** An error of the service's model, which ends a stream. */
export function exceptionFrame(exceptionType: string, message: string): Uint8Array<ArrayBuffer> {
  return frame({
    ":exception-type": exceptionType,
    ":content-type": "application/x-amz-json-1.1",
    ":message-type": "exception",
  }, JSON.stringify({ message }));
}

const PRELUDE_BYTES = 12, CHECKSUM_BYTES = 4, STRING_TYPE = 7;

function frame(headers: Readonly<Record<string, string>>, payload: string): Uint8Array<ArrayBuffer> {
  const head = Object.entries(headers).flatMap(([name, text]) => {
    const [key, value] = [UTF8.encode(name), UTF8.encode(text)];
    return [key.length, ...key, STRING_TYPE, value.length >> 8, value.length & 255, ...value];
  });
  const body = UTF8.encode(payload);
  const bytes = new Uint8Array(PRELUDE_BYTES + head.length + body.length + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, head.length);
  view.setUint32(8, crc32(bytes.subarray(0, 8)));
  bytes.set(head, PRELUDE_BYTES);
  bytes.set(body, PRELUDE_BYTES + head.length);
  view.setUint32(bytes.length - CHECKSUM_BYTES, crc32(bytes.subarray(0, -CHECKSUM_BYTES)));
  return bytes;
}

const UTF8: TextEncoder = new TextEncoder();

/**
 * Makes messages of `application/vnd.amazon.eventstream`, whole or damaged.
 *
 * @module
 */

import { crc32 } from "node:zlib";

/** What to make a message of. */
export interface MessageParts {
  /** Headers with text values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Header bytes as they are, in place of `headers`. */
  readonly rawHeaders?: Uint8Array;
  readonly payload?: string | Uint8Array;
}

/** One message with right checksums. */
export function eventStreamMessage(parts: MessageParts): Uint8Array<ArrayBuffer> {
  const headers = parts.rawHeaders ?? headerBytes(parts.headers ?? {});
  const payload = typeof parts.payload === "string"
    ? new TextEncoder().encode(parts.payload)
    : parts.payload ?? new Uint8Array();
  return framed(headers, payload, { total: 16 + headers.length + payload.length, headers: headers.length });
}

/** A message whose prelude lies about its lengths, with right checksums. */
export function framed(
  headers: Uint8Array,
  payload: Uint8Array,
  lengths: { readonly total: number; readonly headers: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16 + headers.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, lengths.total);
  view.setUint32(4, lengths.headers);
  view.setUint32(8, crc32(bytes.subarray(0, 8)));
  bytes.set(headers, 12);
  bytes.set(payload, 12 + headers.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
  return bytes;
}

/** A message of type `event`, with a JSON payload. */
export function eventMessage(eventType: string, payload: unknown): Uint8Array<ArrayBuffer> {
  return eventStreamMessage({
    headers: {
      ":message-type": "event",
      ":event-type": eventType,
      ":content-type": "application/x-amz-json-1.1",
    },
    payload: JSON.stringify(payload),
  });
}

/** An error that the service's model knows. */
export function exceptionMessage(type: string, message: string): Uint8Array<ArrayBuffer> {
  return eventStreamMessage({
    headers: {
      ":message-type": "exception",
      ":exception-type": type,
      ":content-type": "application/x-amz-json-1.1",
    },
    payload: JSON.stringify({ message }),
  });
}

/** An error that it does not. */
export function errorMessage(code: string, message: string): Uint8Array<ArrayBuffer> {
  return eventStreamMessage({
    headers: { ":message-type": "error", ":error-code": code, ":error-message": message },
  });
}

function headerBytes(headers: Readonly<Record<string, string>>): Uint8Array {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  return Uint8Array.from(
    Object.entries(headers).flatMap(([name, text]) => {
      const [nameBytes, value] = [utf8(name), utf8(text)];
      return [nameBytes.length, ...nameBytes, 7, value.length >> 8, value.length & 255, ...value];
    }),
  );
}

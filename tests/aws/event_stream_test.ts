import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import { crc32 } from "../../src/aws/crc32.ts";
import {
  EventStreamDecoder,
  type EventStreamMessage,
  eventStreamMessages,
  MAX_HEADERS_BYTES,
  MAX_PAYLOAD_BYTES,
} from "../../src/aws/event_stream.ts";
import golden from "../cases/event_streams.json" with { type: "json" };
import { eventMessage, eventStreamMessage, framed } from "../support/event_stream.ts";
import { seeded } from "../support/seed.ts";

/** Decodes pieces, and demands that none is left over. */
function decoded(pieces: readonly Uint8Array[], isCopied = true): EventStreamMessage[] {
  const decoder = new EventStreamDecoder();
  const messages: EventStreamMessage[] = [];
  for (const piece of pieces) {
    decoder.push(piece);
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
      // A payload is good until the next message is asked for: its owner takes what it needs.
      messages.push({ ...message, payload: isCopied ? message.payload.slice() : message.payload });
    }
  }
  assertEquals(decoder.heldBytes, 0);
  return messages;
}

const readable = (messages: readonly EventStreamMessage[]) =>
  messages.map(({ headers, payload }) => ({
    headers: Object.fromEntries(headers),
    payload: new TextDecoder().decode(payload),
  }));

const bytesOf = (base64: string) =>
  Uint8Array.from([...atob(base64)].map((character) => character.charCodeAt(0)));

const body = (...pieces: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

for (const { comment, body, messages } of golden.cases) {
  const bytes = bytesOf(body);
  const expected = messages as unknown as ReturnType<typeof readable>;

  Deno.test(`EventStreamDecoder reads, whole and cut at every byte: ${comment}`, () => {
    assertEquals(readable(decoded([bytes])), expected);
    for (let cut = 0; cut <= bytes.length; cut++) {
      assertEquals(
        readable(decoded([bytes.subarray(0, cut), bytes.subarray(cut)])),
        expected,
        `cut at ${cut}`,
      );
    }
    assertEquals(readable(decoded([...bytes].map((byte) => Uint8Array.of(byte)))), expected, "byte by byte");
  });

  Deno.test(`EventStreamDecoder refuses every flipped bit in: ${comment}`, () => {
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.map((byte, i) => i === at ? byte ^ 0x10 : byte);
      assertThrows(() => decoded([damaged]), SyntaxError, "CRC-32");
    }
  });
}

Deno.test("EventStreamDecoder reads messages of any size cut into any pieces", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 8 });
  const cuts = fc.array(fc.nat(6000), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, cuts, (lengths, cuts) => {
      const payloads = lengths.map((length, i) => new Uint8Array(length).fill(i + 1));
      const all = Uint8Array.from(payloads.flatMap((payload) => [...eventStreamMessage({ payload })]));
      const pieces: Uint8Array[] = [];
      for (let at = 0, i = 0; at < all.length; i++) {
        const size = 1 + (cuts[i % cuts.length] ?? 0);
        pieces.push(all.slice(at, at + size));
        at += size;
      }
      assertEquals(decoded(pieces).map((message) => message.payload), payloads);
    }),
    seeded(),
  );
});

Deno.test("EventStreamDecoder gives a message that came in one piece as a view of that piece", () => {
  const piece = eventMessage("SubscribeToShardEvent", { Records: [] });
  assertStrictEquals(decoded([piece], false)[0]?.payload.buffer, piece.buffer);
});

const NOTHING = new Uint8Array();
const string = (name: number, ...value: number[]) => Uint8Array.of(1, name, 7, 0, value.length, ...value);
const DAMAGED: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  "a length of 4 GiB": [
    framed(NOTHING, NOTHING, { total: 2 ** 32 - 1, headers: 0 }),
    `expected at most ${MAX_HEADERS_BYTES} bytes of headers and ${MAX_PAYLOAD_BYTES} of payload: got 0 and 4294967279`,
  ],
  "a payload one byte over the limit": [
    framed(NOTHING, NOTHING, { total: 16 + MAX_PAYLOAD_BYTES + 1, headers: 0 }),
    `got 0 and ${MAX_PAYLOAD_BYTES + 1}`,
  ],
  "headers one byte over the limit": [
    framed(NOTHING, NOTHING, { total: 16 + MAX_HEADERS_BYTES + 1, headers: MAX_HEADERS_BYTES + 1 }),
    `got ${MAX_HEADERS_BYTES + 1} and 0`,
  ],
  "headers longer than the message": [framed(NOTHING, NOTHING, { total: 16, headers: 1 }), "got 1 and -1"],
  "a length shorter than any message": [framed(NOTHING, NOTHING, { total: 15, headers: 0 }), "got 0 and -1"],
  "a header type that does not exist": [
    eventStreamMessage({ rawHeaders: Uint8Array.of(1, 97, 10) }),
    "expected header a to have a type from 0 to 9: got 10",
  ],
  "a header name that reaches into the payload": [
    eventStreamMessage({ rawHeaders: Uint8Array.of(9, 97), payload: "abcdefghijkl" }),
    "a header reaches beyond the headers",
  ],
  "a header value that reaches into the payload": [
    eventStreamMessage({ rawHeaders: string(97, 98).subarray(0, -1), payload: "abc" }),
    "a header reaches beyond the headers",
  ],
};

for (const [what, [bytes, says]] of Object.entries(DAMAGED)) {
  Deno.test(`EventStreamDecoder refuses ${what}`, () => {
    assertThrows(() => decoded([bytes]), SyntaxError, says);
  });
}

Deno.test("EventStreamDecoder refuses a damaged prelude before it waits for the rest of the message", () => {
  const decoder = new EventStreamDecoder();
  decoder.push(eventStreamMessage({ payload: "x" }).map((byte, i) => i === 0 ? 1 : byte).subarray(0, 12));
  assertThrows(() => decoder.next(), SyntaxError, "of a prelude");
});

Deno.test("next() verifies by tables where the runtime has no checksum of its own", () => {
  const decoder = new EventStreamDecoder(crc32);
  const damaged = eventMessage("a", 1);
  decoder.push(damaged.slice());
  assertEquals(decoder.next()?.headers.get(":event-type"), "a");
  damaged[damaged.length - 5] = (damaged.at(-5) ?? 0) ^ 1;
  decoder.push(damaged);
  assertThrows(() => decoder.next(), SyntaxError, "of a message");
});

Deno.test("eventStreamMessages() ends with the body", async () => {
  const messages = await Array.fromAsync(
    eventStreamMessages(body(eventMessage("a", 1), eventMessage("b", 2))),
  );
  assertEquals(messages.map((message) => message.headers.get(":event-type")), ["a", "b"]);
});

Deno.test("eventStreamMessages() refuses a body that ends inside a message, after giving those before it", async () => {
  const messages = eventStreamMessages(body(eventMessage("a", 1), eventMessage("b", 2).subarray(0, 20)));
  assertEquals((await messages.next()).value?.headers.get(":event-type"), "a");
  await assertRejects(
    () => messages.next(),
    SyntaxError,
    "it ends inside a message, 20 bytes after its start",
  );
});

Deno.test("eventStreamMessages() passes on what the body fails with", async () => {
  const failure = new TypeError("connection reset");
  const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(failure) });
  assertStrictEquals(await assertRejects(() => eventStreamMessages(stream).next(), TypeError), failure);
});

Deno.test("eventStreamMessages() reads no further than it is asked, and cancels the body when left", async () => {
  let pulls = 0, cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++;
      controller.enqueue(eventMessage("e", pulls));
    },
    cancel() {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  for await (const message of eventStreamMessages(stream)) {
    if (new TextDecoder().decode(message.payload) === "3") break;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals([pulls, cancelled], [3, true]);
});

Deno.test("eventStreamMessages() refuses a body that ends inside a prelude", async () => {
  for (const bytes of [1, 12]) {
    const messages = eventStreamMessages(body(eventMessage("a", 1), eventMessage("b", 2).subarray(0, bytes)));
    await messages.next();
    await assertRejects(() => messages.next(), SyntaxError, `${bytes} bytes after its start`);
  }
});

/**
 * The child of `multilang.ts`: answers each line without looking at it, so that what is measured is the way there and back.
 *
 * @module
 */

const STATUS: Uint8Array = new TextEncoder().encode('{"action":"status","responseFor":"processRecords"}\n');
const LF = 10;

const buffer = new Uint8Array(1 << 20);
for (let length = Deno.stdin.readSync(buffer); length !== null; length = Deno.stdin.readSync(buffer)) {
  const bytes = buffer.subarray(0, length);
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) Deno.stdout.writeSync(STATUS);
}

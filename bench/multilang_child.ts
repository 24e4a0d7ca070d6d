/**
 * The child of `readers.ts` and `multilang.ts`: answers each line by its action, and looks at nothing else of it. So what is
 * measured is the way there and back.
 *
 * @module
 */

const LF = 10;
/** Enough for `{"action":"shutdownRequested"`, with which a line begins. */
const HEAD_BYTES = 40;

const buffer = new Uint8Array(1 << 20);
const encoder = new TextEncoder();
let head = "";
for (let length = Deno.stdin.readSync(buffer); length !== null; length = Deno.stdin.readSync(buffer)) {
  const bytes = buffer.subarray(0, length);
  for (let from = 0; from < length;) {
    const end = bytes.indexOf(LF, from);
    head += String.fromCharCode(
      ...bytes.subarray(from, Math.min(from + HEAD_BYTES, end === -1 ? length : end)),
    );
    if (end === -1) break;
    const [, responseFor] = /^\{\s*"action"\s*:\s*"(\w+)"/.exec(head) ?? [];
    Deno.stdout.writeSync(encoder.encode(`${JSON.stringify({ action: "status", responseFor })}\n`));
    head = "";
    from = end + 1;
  }
}

/**
 * A child that speaks the protocol by itself, and does what its argument says when it gets records. Written from the protocol's
 * description, without any library.
 *
 * @module
 */

import { writeAllSync } from "./write_all.ts";

interface Message {
  readonly action: string;
  readonly error?: string | null;
  readonly records?: readonly { readonly data: string; readonly partitionKey: string }[];
}

const [mode = "plain"] = Deno.args;
const lines = readLines();

function say(message: unknown): void {
  writeAllSync(Deno.stdout, `\n${JSON.stringify(message)}\n`);
}

/** Tells the test. */
function note(text: string): void {
  if (mode === "words" || mode === "late") writeAllSync(Deno.stderr, `${Deno.pid} ${text}\n`);
}

async function checkpoint(fields: Readonly<Record<string, unknown>> = {}): Promise<string | null> {
  say({ action: "checkpoint", ...fields });
  return (await next())?.error ?? null;
}

async function next(): Promise<Message | undefined> {
  const { value, done } = await lines.next();
  return done === true ? undefined : JSON.parse(value) as Message;
}

async function* readLines(): AsyncGenerator<string> {
  let parts: string[] = [];
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const [first = "", ...more] = text.split("\n");
    parts.push(first);
    for (const part of more) {
      yield parts.join("");
      parts = [part];
    }
  }
}

const BIG = "x".repeat(14 * 1024 * 1024);

async function processRecords(message: Message): Promise<void> {
  switch (mode) {
    case "words":
      for (const { data } of message.records ?? []) note(atob(data));
      await checkpoint();
      return;
    case "poison":
      for (const { data } of message.records ?? []) if (atob(data) === "bad") Deno.exit(1);
      for (const { data } of message.records ?? []) writeAllSync(Deno.stderr, `done ${atob(data)}\n`);
      await checkpoint();
      return;
    case "late":
      for (const { data } of message.records ?? []) note(atob(data));
      return;
    case "environment":
      console.log(
        JSON.stringify({ cwd: Deno.cwd(), path: Deno.env.get("PATH"), args: Deno.args.slice(1) }),
      );
      return;
    case "die":
      return Deno.exit(0);
    case "hang":
      console.log("hanging");
      return await new Promise(() => setInterval(() => {}, 1000));
    case "stubborn":
      Deno.addSignalListener("SIGTERM", () => {});
      setTimeout(() => Deno.exit(9), 60_000); // should a test fail
      writeAllSync(Deno.stderr, `${Deno.pid} stubborn\n`);
      return await new Promise(() => {});
    case "loud":
      // Before its message is read to the end, and again instead of a plain checkpoint.
      console.log(BIG);
      await checkpoint({ sequenceNumber: null, big: BIG });
      return;
    case "mutter":
      writeAllSync(Deno.stderr, "working without a newline");
      return await new Promise((resolve) => setTimeout(resolve, 300));
    case "count": {
      const bytes = message.records?.reduce((sum, { data }) => sum + atob(data).length, 0);
      console.log(
        `${message.records?.length} records, ${bytes} bytes, ${message.records?.[0]?.partitionKey}`,
      );
      await checkpoint();
      return;
    }
  }
}

if (mode === "loud") console.log(BIG);
for (let message = await next(); message !== undefined; message = await next()) {
  if (message.action === "processRecords") await processRecords(message);
  else note(`<${message.action}>`);
  if (message.action === "shardEnded" || mode === "late" && message.action === "shutdownRequested") {
    await checkpoint();
  }
  say({ action: "status", responseFor: message.action });
}
// Like a program with an open handle, which does not end with its stdin.
if (mode === "linger") setInterval(() => {}, 1000);

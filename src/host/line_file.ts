/**
 * A file of lines that several processes append to, and that one of them may take away to work through.
 *
 * @module
 */

import type { FileHandle } from "node:fs/promises";

/**
 * Appends a line, and resolves when it is on the disk. The file is made for this user alone if there is none.
 *
 * Node's module is loaded by the first call, so that what names this file can be bundled for runtimes that
 * have no files.
 *
 * @param line Without a line break.
 */
export async function appendLine(path: string, line: string): Promise<void> {
  await appendBytes(path, new TextEncoder().encode(`${line}\n`));
}

async function appendBytes(path: string, lines: Uint8Array): Promise<void> {
  const { open, stat } = await import("node:fs/promises");
  // When somebody takes the file away meanwhile, the line may have gone with it unseen: it is written again.
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const file = await open(path, "a+", 0o600);
    let written: { readonly ino: number; readonly dev: number };
    try {
      // A line that another process, or a full disk, left incomplete must not spoil this one.
      const start = await endsInLine(file) ? [] : [0x0a];
      // In one call, so that lines of several processes do not mix.
      const bytes = new Uint8Array(start.length + lines.length);
      bytes.set(start);
      bytes.set(lines, start.length);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) {
        throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`);
      }
      await file.datasync();
      written = await file.stat();
    } finally {
      await file.close();
    }
    const there = await stat(path).catch(() => undefined);
    if (there?.ino === written.ino && there.dev === written.dev) return;
  }
  throw new Error(`Cannot write ${JSON.stringify(path)}: it was taken away ${MOST_ATTEMPTS} times`);
}

const MOST_ATTEMPTS = 10;

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(new Uint8Array(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

/** A line, and where it begins. */
export interface FileLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  readonly offset: number;
}

/** The lines of a file that are not empty and not marked as done. */
export async function* linesOf(path: string): AsyncGenerator<FileLine, void, void> {
  const { open } = await import("node:fs/promises");
  const file = await open(path, "r");
  try {
    let rest = new Uint8Array(), restOffset = 0, number = 0;
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, restOffset + rest.length);
      const bytes = new Uint8Array(rest.length + bytesRead);
      bytes.set(rest);
      bytes.set(chunk.subarray(0, bytesRead), rest.length);
      let start = 0;
      for (let end = bytes.indexOf(0x0a, rest.length); end !== -1; end = bytes.indexOf(0x0a, start)) {
        number++;
        const line = lineAt(bytes.subarray(start, end), number, restOffset + start);
        if (line !== undefined) yield line;
        start = end + 1;
      }
      rest = bytes.slice(start);
      restOffset += start;
      if (rest.length > MOST_LINE_BYTES) {
        throw new RangeError(`Cannot read ${JSON.stringify(path)}: line ${number + 1} has more than 64 MiB`);
      }
      if (bytesRead > 0) continue;
      const line = lineAt(rest, number + 1, restOffset);
      if (line !== undefined) yield line;
      return;
    }
  } finally {
    await file.close();
  }
}

const CHUNK_BYTES = 1_048_576;
const MOST_LINE_BYTES = 67_108_864;

/** Stands in place of the first byte of a line that is done. One byte is written whole, or not at all. */
const DONE = 0x23;

function lineAt(bytes: Uint8Array, number: number, offset: number): FileLine | undefined {
  if (bytes.length === 0 || bytes[0] === DONE) return undefined;
  return { text: new TextDecoder().decode(bytes), number, offset };
}

/** Lines that this process alone works through. */
export interface TakenLines {
  lines(): AsyncIterable<FileLine>;
  /** Marks a line as done. */
  done(line: FileLine): Promise<void>;
  /** Puts back what is not done. */
  close(): Promise<void>;
}

/**
 * Takes a file away from those who append to it: they begin a new one. What is not done is appended to that
 * one in the end. After a crash it is still in the file that was taken, `PATH.redrive`.
 *
 * @throws {Error} when there is no such file, or another process has taken it.
 */
export async function takeLines(path: string): Promise<TakenLines> {
  const { link, open, unlink } = await import("node:fs/promises");
  const taken = `${path}.redrive`;
  try {
    // Not rename(): it would replace what another process has taken.
    await link(path, taken);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const why = code === "EEXIST"
      ? `${taken} is there: another redrive works on it, or was killed: then redrive that file`
      : code === "ENOENT"
      ? "there is no such file"
      : "it cannot be taken";
    throw new Error(`Cannot redrive ${JSON.stringify(path)}: ${why}`, { cause: error });
  }
  await unlink(path);
  const marks = await open(taken, "r+");
  return {
    lines: () => linesOf(taken),
    done: async ({ offset }) => void await marks.write(Uint8Array.of(DONE), 0, 1, offset),
    async close() {
      await marks.close();
      for await (const { text } of linesOf(taken)) await appendLine(path, text);
      await unlink(taken);
    },
  };
}

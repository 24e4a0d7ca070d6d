/**
 * A file of lines that several processes append to, and that one of them may take away to work through.
 *
 * @module
 */

import type { FileHandle } from "node:fs/promises";
import process from "node:process";

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

/** Why no line can be appended there; undefined if nothing is known against it. */
export async function whyNoFile(path: string): Promise<string | undefined> {
  const { stat } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const isFolder = (at: string) =>
    stat(at).then((there) => there.isDirectory(), (error) => error.code === "ENOENT" ? false : undefined);
  if (await isFolder(path) === true) return "it is a folder: name a file in it";
  return await isFolder(dirname(path)) === false ? "its folder does not exist: create it" : undefined;
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
  /** The same as it is in the file. */
  readonly bytes: Uint8Array;
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
  return { text: new TextDecoder().decode(bytes), bytes, number, offset };
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
 * one in the end, byte for byte. After a crash it is still in the file that was taken, `PATH.redrive`.
 *
 * @throws {Error} when there is no such file, or another process has taken it.
 */
export async function takeLines(path: string): Promise<TakenLines> {
  const { link, open, unlink, writeFile } = await import("node:fs/promises");
  const taken = takenName(path), owner = ownerName(taken);
  await refuseUnfit(path);
  await refuseInWork(path);
  try {
    // Not rename(): it would replace what another process has taken.
    await link(path, taken);
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new Error(cannotRedrive(path, isTaken ? inWork(taken) : "it cannot be taken"), { cause: error });
  }
  await writeFile(owner, `${process.pid}\n`);
  await unlink(path);
  await unlink(ownerName(path)).catch(() => {}); // of a redrive that was killed, if any
  const marks = await open(taken, "r+");
  let isChanged = false;
  return {
    lines: () => linesOf(taken),
    async done({ offset }) {
      isChanged = true;
      await marks.write(Uint8Array.of(DONE), 0, 1, offset);
    },
    async close() {
      await marks.close();
      const isBack = !isChanged && await link(taken, path).then(() => true, () => false);
      if (!isBack) await appendAll(path, taken);
      await unlink(taken);
      await unlink(owner);
    },
  };
}

/** Many lines at a time: each write waits for the disk. */
async function appendAll(path: string, taken: string): Promise<void> {
  let lines: Uint8Array[] = [], size = 0;
  const flush = async () => {
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (const line of lines) {
      bytes.set(line, offset);
      offset += line.length + 1;
      bytes[offset - 1] = 0x0a;
    }
    if (size > 0) await appendBytes(path, bytes);
    lines = [];
    size = 0;
  };
  for await (const { bytes } of linesOf(taken)) {
    lines.push(bytes);
    size += bytes.length + 1;
    if (size >= CHUNK_BYTES) await flush();
  }
  await flush();
}

const takenName = (path: string) => `${path}.redrive`;
/** Says which process works on a file that was taken. */
const ownerName = (taken: string) => `${taken}.pid`;

/** @throws {Error} when there is nothing to read at the path, with what is there instead. */
export async function refuseUnfit(path: string): Promise<void> {
  const { stat } = await import("node:fs/promises");
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) {
    throw new Error(cannotRedrive(path, "it is a folder: name a file in it"));
  }
  if (there !== undefined) return;
  const taken = takenName(path);
  const isTaken = await stat(taken).then(() => true, () => false);
  throw new Error(
    cannotRedrive(path, isTaken ? inWork(taken) : `there is no such file, seen from ${process.cwd()}`),
  );
}

/** The file of a redrive that was killed may be redriven; that of one that runs may not. */
async function refuseInWork(path: string): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  const pid = Number(await readFile(ownerName(path), "utf8").catch(() => ""));
  // A process that was started again in a container often has the number of the one before.
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) return;
  throw new Error(
    cannotRedrive(
      path,
      `process ${pid} redrives it: wait for its end, or delete ${ownerName(path)} if it is gone`,
    ),
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It may be another user's, or this process may not ask.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

const cannotRedrive = (path: string, why: string) => `Cannot redrive ${JSON.stringify(path)}: ${why}`;

const inWork = (taken: string) =>
  `${taken} is there: another redrive works on it, or was killed: then redrive that file`;

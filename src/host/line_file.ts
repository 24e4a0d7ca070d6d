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
  const { open, stat } = await import("node:fs/promises");
  // When somebody takes the file away meanwhile, the line may have gone with it unseen: it is written again.
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const file = await open(path, "a+", 0o600);
    let written: { readonly ino: number; readonly dev: number };
    try {
      // A line that another process, or a full disk, left incomplete must not spoil this one.
      const start = await endsInLine(file) ? "" : "\n";
      // In one call, so that lines of several processes do not mix.
      const bytes = new TextEncoder().encode(`${start}${line}\n`);
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

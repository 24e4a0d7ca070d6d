/**
 * Writes ZIP archives: small ones, whose files have text names and permissions of Unix. The same files give the same bytes.
 *
 * Source: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16.
 *
 * @module
 */

import { crc32 } from "../../src/aws/crc32.ts";

/** A file to write. */
export interface ZipFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** 1 January 1980, the first day that the format knows. */
const DATE = 0x21;
const DEFLATE = 8;
const VERSION = 20;
/** A plain file that everybody may read, made on Unix. */
const MODE = 0o100644;

/** The archive, with files in the order given. */
export async function zipOf(files: readonly ZipFile[]): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { path, bytes } of files) {
    const name = new TextEncoder().encode(path);
    const packed = await deflated(bytes);
    // Version, flags, method, time, date, checksum, sizes, lengths of name and of further fields: the same in both headers.
    const shared = fields([VERSION, 2], [0, 2], [DEFLATE, 2], [0, 2], [DATE, 2], [crc32(bytes), 4]);
    const sizes = fields([packed.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]);
    const local = [fields([0x04034b50, 4]), shared, sizes, name, packed];
    directory.push(
      fields([0x02014b50, 4], [(3 << 8) | VERSION, 2]),
      shared,
      sizes,
      fields([0, 2], [0, 2], [0, 2], [(MODE << 16) >>> 0, 4], [offset, 4]),
      name,
    );
    parts.push(...local);
    offset += lengthOf(local);
  }
  const count = files.length;
  const end = fields([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2]);
  const place = fields([lengthOf(directory), 4], [offset, 4], [0, 2]);
  return new Uint8Array(await new Blob([...parts, ...directory, end, place]).arrayBuffer());
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers in little endian, each with its width in bytes. */
function fields(...numbers: readonly (readonly [value: number, width: 2 | 4])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.reduce((sum, [, width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, width] of numbers) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

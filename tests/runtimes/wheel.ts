/**
 * A Python wheel: files, and three that describe them. Python is not needed to write one.
 *
 * Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/ and core-metadata.
 *
 * @module
 */

import { type ZipFile, zipOf } from "./zip.ts";

/** What a wheel says about itself. */
export interface WheelMetadata {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly license: string;
  readonly homepage: string;
  /** e.g. `>=3.10`. */
  readonly python: string;
  /** As pip names them: `deno>=2.9,<3`. */
  readonly requires: readonly string[];
  /** The text that PyPI shows, in Markdown. */
  readonly description: string;
  /** Modules and functions of commands by name: `kclite.__main__:main`. */
  readonly commands: Readonly<Record<string, string>>;
}

/** The name that the file must have. */
export function wheelName({ name, version }: Pick<WheelMetadata, "name" | "version">): string {
  return `${name}-${version}-py3-none-any.whl`;
}

/**
 * The wheel, for every platform.
 *
 * @param files What is installed, at paths below `site-packages`.
 * @param licenses Their texts, by file name.
 */
export async function wheelOf(
  metadata: WheelMetadata,
  files: readonly ZipFile[],
  licenses: Readonly<Record<string, string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const info = `${metadata.name}-${metadata.version}.dist-info`;
  const commands = Object.entries(metadata.commands).map(([name, target]) => `${name} = ${target}\n`);
  const all = [
    ...files,
    ...Object.entries(licenses).map(([name, text]) => textFile(`${info}/licenses/${name}`, text)),
    textFile(`${info}/METADATA`, metadataText(metadata, Object.keys(licenses))),
    textFile(
      `${info}/WHEEL`,
      "Wheel-Version: 1.0\nGenerator: kclite\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ),
    textFile(`${info}/entry_points.txt`, `[console_scripts]\n${commands.join("")}`),
  ];
  const record = `${info}/RECORD`;
  const lines = await Promise.all(all.map(async ({ path, bytes }) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return `${path},sha256=${
      digest.toBase64({ alphabet: "base64url", omitPadding: true })
    },${bytes.length}\n`;
  }));
  return await zipOf([...all, textFile(record, `${lines.join("")}${record},,\n`)]);
}

/** A file of the wheel with this text. */
export function textFile(path: string, text: string): ZipFile {
  return { path, bytes: new TextEncoder().encode(text) };
}

function metadataText(metadata: WheelMetadata, licenseFiles: readonly string[]): string {
  const fields: readonly (readonly [string, string])[] = [
    ["Metadata-Version", "2.4"],
    ["Name", metadata.name],
    ["Version", metadata.version],
    ["Summary", metadata.summary],
    ["Project-URL", `Repository, ${metadata.homepage}`],
    ["License-Expression", metadata.license],
    ...licenseFiles.map((name) => ["License-File", name] as const),
    ["Requires-Python", metadata.python],
    ...metadata.requires.map((name) => ["Requires-Dist", name] as const),
    ["Description-Content-Type", "text/markdown"],
  ];
  return `${fields.map(([name, value]) => `${name}: ${value}\n`).join("")}\n${metadata.description}`;
}

/**
 * AWS's own serializers for the Glue Schema Registry, in Java, write the very bytes that the tests of `./glue` read:
 * `deno task interop:glue`. Needs `java` (17 or newer), `mvn`, and what Maven downloads. With `--write` the file of bytes is
 * written anew.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { canRun, runCommand } from "../../support/command.ts";

const here = new URL("./", import.meta.url).pathname;
const file = new URL("../../cases/glue_vectors.json", import.meta.url);

/** One record. */
interface Vector {
  readonly comment: string;
  readonly schemaVersionId: string;
  readonly bytes: string;
}

async function must(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`${command} failed: ${stderr}${stdout}`);
  return stdout;
}

/** What Java writes. */
async function written(): Promise<readonly Vector[]> {
  const target = await Deno.makeTempDir();
  try {
    const options = ["-q", "-B", "-f", `${here}vectors/pom.xml`, `-DbuildDirectory=${target}`];
    const path = `${target}/classpath.txt`;
    await must("mvn", [...options, "compile", "dependency:build-classpath", `-Dmdep.outputFile=${path}`]);
    const classes = `${target}/classes:${await Deno.readTextFile(path)}`;
    const lines = (await must("java", ["-Dfile.encoding=UTF-8", "-cp", classes, "Vectors"])).trim().split(
      "\n",
    );
    return lines.map((line) => {
      const [comment = "", schemaVersionId = "", bytes = ""] = line.split("\t");
      return { comment, schemaVersionId, bytes };
    });
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

const { values: { write, smoke } } = parseArgs({
  options: { write: { type: "boolean" }, smoke: { type: "boolean" } },
});
const isThere = await Promise.all(["java", "mvn"].map((name) => canRun(name)));
if (smoke || isThere.includes(false)) {
  console.log("interop:glue is skipped: it needs java and mvn, and downloads by Maven");
} else {
  const vectors = await written();
  if (write) await Deno.writeTextFile(file, `${JSON.stringify(vectors, undefined, 2)}\n`);
  const known: readonly Vector[] = JSON.parse(await Deno.readTextFile(file));
  const different = known.filter((vector, at) => JSON.stringify(vector) !== JSON.stringify(vectors[at]));
  for (const { comment } of different) console.log(`differs: ${comment}`);
  const isEqual = different.length === 0 && known.length === vectors.length;
  console.log(
    `${vectors.length} records of AWS's serializers, ${
      isEqual ? "all" : "not all"
    } as in tests/cases/glue_vectors.json`,
  );
  Deno.exit(isEqual ? 0 : 1);
}

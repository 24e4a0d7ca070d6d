/**
 * The streams of tables as moto has them, beside the emulator: `deno task interop:moto`. AWS's own client for
 * Python makes the same calls on both, and what they answer must have the same shape. Needs `python3` with `pip`
 * on PATH, and PyPI; says when it is skipped.
 *
 * `--smoke` fetches nothing: it compares the emulator with itself, read by our own client.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runCommand } from "../../support/command.ts";
import { servedSimulated } from "../../support/simulated.ts";
import { tableStreamBed } from "../../support/table_stream.ts";
import { makeVenv } from "../python_venv.ts";

const PACKAGES = ["moto[dynamodb]==5.2.5", "boto3==1.44.8"];

if (Deno.args.includes("--smoke")) {
  Deno.test("the emulator gives the changes of a table to our own client", async () => {
    const bed = await tableStreamBed();
    await bed.put("a");
    const shardId = bed.stream.shards()[0]?.shardId ?? "";
    const position = { type: "TRIM_HORIZON" } as const;
    const iterator = await bed.streams.getShardIterator({ streamArn: bed.arn, shardId, position });
    assertEquals((await bed.streams.getRecords(iterator ?? "", 10)).records.length, 1);
  });
} else {
  const venv = await makeVenv(PACKAGES);
  if (typeof venv === "string") {
    Deno.test({ name: `interop:moto is skipped: ${venv}`, ignore: true, fn() {} });
  } else {
    globalThis.addEventListener("unload", () => Deno.removeSync(venv.folder, { recursive: true }));
    Deno.test("the emulator's answers about a table's stream have the shape of moto's", async () => {
      await using ours = servedSimulated();
      const answers = async (...args: readonly string[]) => {
        const program = new URL("shapes.py", import.meta.url).pathname;
        const { code, stdout, stderr } = await runCommand(venv.python, [program, ...args], {
          timeoutMs: 120_000,
        });
        assertEquals(code, 0, stderr.slice(-500));
        return shapeOf(JSON.parse(stdout)) as Readonly<Record<string, unknown>>;
      };
      const moto = await answers(), emulator = await answers(ours.url);
      assertEquals(emulator, moto);
    });
  }
}

/** The names of members with the kinds of their values, and each item of a list. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, part]) => [name, shapeOf(part)]),
  );
}

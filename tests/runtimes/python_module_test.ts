/** The modules of `python/kclite/`: programs of each version on them, run as the command line runs children. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { canRun, runCommand } from "../support/command.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { type RealBed, startReal } from "../multilang/real_bed.ts";
import { withOurImports } from "./try_wheel.ts";

const ignore = !await canRun("python3");
const SHARD = "shardId-000000000000";
const program = (version: string) =>
  `env PYTHONPATH=python python3 -B tests/runtimes/python_app.py ${version}`;

function notesOf(bed: RealBed): unknown[] {
  return bed.stderr().split("\n").filter((line) => line.startsWith("[")).map((line) => JSON.parse(line));
}

for (const version of ["v1", "v2", "v3"]) {
  Deno.test({
    name: `kcl.KCLProcess of Python runs a processor of ${version} to the end of its shard`,
    ignore,
    async fn() {
      using bed = startReal(program(version));
      bed.retrieval.feed(
        pageOf([recordWith("4961", "cat"), recordWith("4962", "checkpoint")]),
        pageOf([recordWith("4963", "raise")]),
        pageOf([], []),
      );
      assertEquals(await bed.end, "completed");
      assertEquals(notesOf(bed), [
        ["initialize", SHARD],
        ["record", "cat", "4961", "key"],
        ["record", "checkpoint", "4962", "key"],
        ["record", "raise", "4963", "key"],
        ["shutdown", "TERMINATE"],
      ]);
      assertStringIncludes(bed.stderr(), "ValueError: as asked");
      assertEquals(bed.held.stored, [positionAt("4962"), SHARD_END]);
    },
  });

  Deno.test({
    name: `kcl.KCLProcess of Python lets a processor of ${version} checkpoint when the worker stops`,
    ignore,
    async fn() {
      using bed = startReal(program(version));
      bed.retrieval.feed(pageOf([recordWith("4961", "cat")]));
      await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
      bed.held.draining.abort();
      assertEquals(await bed.end, "drained");
      assertEquals(notesOf(bed)[2], ["shutdown", "REQUESTED"]);
      assertEquals(bed.held.stored, [positionAt("4961")]);
    },
  });

  Deno.test({
    name: `kcl.KCLProcess of Python gives a processor of ${version} no checkpoint when its lease is lost`,
    ignore,
    async fn() {
      using bed = startReal(program(version));
      bed.retrieval.feed(pageOf([recordWith("4961", "cat")]));
      await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
      bed.held.lose();
      assertEquals(await bed.end, "lost");
      assertEquals(notesOf(bed).slice(2), [
        ["shutdown", "ZOMBIE"],
        ...(version === "v3" ? [] : [["refused", "Checkpointing is not allowed when the lease is lost"]]),
      ]);
      assertEquals(bed.held.stored, []);
    },
  });
}

/** The names that programs use, as amazon_kclpy 3.2.0 has them. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "kcl": ["CheckpointError", "Checkpointer", "KCLProcess", "RecordProcessorBase", "messages", "dispatch"],
  "v2.processor": ["RecordProcessorBase", "V1toV2Processor"],
  "v3.processor": ["RecordProcessorBase", "ShutdownInput", "V2toV3Processor"],
  "checkpoint_error": ["CheckpointError"],
  "dispatch": ["MalformedAction", "message_decode"],
  "messages": [
    "CheckpointError",
    "CheckpointInput",
    "InitializeInput",
    "LeaseLostCheckpointer",
    "LeaseLostInput",
    "MessageDispatcher",
    "ProcessRecordsInput",
    "Record",
    "ShardEndedInput",
    "ShutdownInput",
    "ShutdownRequestedInput",
  ],
};

Deno.test({
  name: "python/kclite has the names of amazon_kclpy, and the version of deno.json",
  ignore,
  async fn() {
    const lines = Object.entries(NAMES).flatMap(([module, names]) =>
      names.map((name) => `from kclite.${module} import ${name}`)
    );
    const text = `${lines.join("\n")}\nimport kclite; print(kclite.__version__)`;
    const { stdout, stderr } = await runCommand("python3", ["-B", "-c", text], {
      env: { PYTHONPATH: "python" },
    });
    assertEquals([stdout.trim(), stderr], [config.version, ""]);
  },
});

Deno.test("withOurImports() changes lines that import amazon_kclpy, and no other", () => {
  assertEquals(
    withOurImports(
      "import sys\nfrom amazon_kclpy import kcl\nfrom amazon_kclpy.v3 import processor\n# from amazon_kclpy\n",
    ),
    "import sys\nfrom kclite import kcl\nfrom kclite.v3 import processor\n# from amazon_kclpy\n",
  );
});

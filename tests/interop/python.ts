/**
 * The official Python library, and the sample that comes with it, unmodified: `deno task interop:python`. Needs `python3` with
 * `pip` on PATH, and PyPI for the source of `amazon_kclpy`; none of its jars is fetched, and no Java is needed.
 *
 * `--smoke` fetches nothing, which takes most of a minute: it runs the v1 program of the other tests, on their small library.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { realSystem } from "../../src/system.ts";
import { canRun, runCommand } from "../support/command.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { startDynalite, startKinesalite } from "../support/emulators.ts";
import { testCredentials, TestStream } from "../support/test_stream.ts";
import { Daemon } from "../multilang/daemon.ts";
import { startReal } from "../multilang/real_bed.ts";

const SHARD = "shardId-000000000000";

const folder = await Deno.makeTempDir({ prefix: "kclite-interop-python-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const isSmoke = Deno.args.includes("--smoke");
const problem = !await canRun("python3")
  ? "there is no python3 on PATH"
  : isSmoke
  ? undefined
  : await fetchLibrary();
if (problem === undefined) isSmoke ? testSmallLibrary() : testKclpy();
else Deno.test({ name: `interop:python is skipped: ${problem}`, ignore: true, fn() {} });

/** Unpacks the library's source into `folder`. @returns Why it cannot. */
async function fetchLibrary(): Promise<string | undefined> {
  const download = await runCommand(
    "python3",
    ["-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", folder, "amazon_kclpy==3.2.0"],
    { timeoutMs: 300_000 },
  );
  if (download.code !== 0) return `pip download failed: ${download.stderr.slice(-300)}`;
  const unpack = await runCommand(
    "tar",
    ["xzf", `${folder}/amazon_kclpy-3.2.0.tar.gz`, "-C", folder, "--strip-components=1"],
  );
  return unpack.code === 0 ? undefined : `tar failed: ${unpack.stderr}`;
}

function testSmallLibrary(): void {
  Deno.test("a v1 program in Python processes a shard to its end", async () => {
    using bed = startReal("python3 -B tests/multilang/children/v1_app.py");
    bed.retrieval.feed(pageOf([recordWith("4961", "checkpoint")]), pageOf([], []));
    assertEquals(await bed.end, "completed");
    assertEquals(bed.held.stored, [positionAt("4961"), SHARD_END]);
  });
}

function testKclpy(): void {
  const python = `env PYTHONPATH=${folder} python3 -B`;
  const sample = `${python} ${folder}/samples/sample_kclpy_app.py`;

  Deno.test("the sample of amazon_kclpy processes a shard to its end (promises 16, 22, 23, 24)", async () => {
    using bed = startReal(sample);
    bed.retrieval.feed(pageOf([recordWith("4961", "cat"), recordWith("4962", "dog")]), pageOf([], []));
    assertEquals(await bed.end, "completed");
    assertEquals(bed.held.stored, [positionAt("4962"), SHARD_END]);
    assertEquals(bed.failures, []);
    assertStringIncludes(bed.notices.join("\n"), "ended with exit code 0");
  });

  Deno.test("the sample of amazon_kclpy checkpoints when the worker stops (trap 20)", async () => {
    using bed = startReal(sample);
    bed.retrieval.feed(pageOf([recordWith("4961", "cat"), recordWith("4962", "dog")]));
    await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
    bed.held.draining.abort();
    assertEquals(await bed.end, "drained");
    assertEquals(bed.held.stored, [positionAt("4962")]);
  });

  Deno.test("amazon_kclpy's v1 shape gets the calls of the AWS guide (promises 6, 12, 19, 22, 25)", async () => {
    const app = `${folder}/v1_app.py`;
    await Deno.writeTextFile(app, V1_APP);
    using ended = startReal(`${python} ${app}`);
    ended.retrieval.feed(pageOf([recordWith("4961", "cat"), recordWith("4962", "dog")], []));
    assertEquals(await ended.end, "completed");
    const notes = ended.stderr().split("\n").filter((line) => line.startsWith("note: "));
    assertEquals(notes, [
      `note: initialize ${SHARD}`,
      "note: record Y2F0 4961 key",
      "note: record ZG9n 4962 key",
      "note: shutdown TERMINATE",
    ]);
    assertEquals(ended.held.stored, [positionAt("4961"), SHARD_END]);

    using lost = startReal(`${python} ${app}`);
    await lost.until("the child", () => lost.stderr().includes("initialize"));
    lost.held.lose();
    assertEquals(await lost.end, "lost");
    assertStringIncludes(lost.stderr(), "note: shutdown ZOMBIE\n");
  });

  Deno.test("AWS's launcher runs AWS's sample by AWS's sample.properties, all unmodified, with kclite as its java (promises 4, 26, 31; traps 34, 49)", async () => {
    await using kinesis = await startKinesalite();
    await using dynamodb = await startDynalite();
    // The name in the file's bogus streamArn, which wins over streamName.
    const stream = await TestStream.create(kinesis.url, "kclpysample", 2);
    await stream.put(Array.from({ length: 40 }, (_, i) => `word${i}`));

    const bin = `${folder}/bin`;
    await Deno.mkdir(bin);
    await Deno.copyFile(`${folder}/samples/sample_kclpy_app.py`, `${bin}/sample_kclpy_app.py`);
    await Deno.chmod(`${bin}/sample_kclpy_app.py`, 0o755);
    const python3 = (await runCommand("python3", ["-c", "import sys; print(sys.executable)"])).stdout.trim();
    await Deno.symlink(python3, `${bin}/python`); // What the sample's shebang asks for.
    const helper = [
      `${folder}/samples/amazon_kclpy_helper.py`,
      ...["--print_command", "--java", await Deno.realPath("bin/kclite")],
      ...["--properties", `${folder}/samples/sample.properties`],
    ];
    const printed = await runCommand("python3", ["-B", ...helper], { env: { PYTHONPATH: folder } });
    assertStringIncludes(printed.stdout, "software.amazon.kinesis.multilang.MultiLangDaemon");

    await using daemon = Daemon.run("sh", ["-c", `exec ${printed.stdout.trim()}`], {
      PATH: `${bin}:${Deno.env.get("PATH")}`,
      PYTHONPATH: folder,
      PYTHONDONTWRITEBYTECODE: "1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      KCLITE_KINESIS_ENDPOINT: kinesis.url,
      KCLITE_DYNAMODB_ENDPOINT: dynamodb.url,
      KCLITE_RETRIEVAL_MODE: "POLLING",
      KCLITE_METRICS_LEVEL: "NONE",
    });
    await daemon.until("all records", () => wordsIn(daemon.log).size === 40);
    daemon.kill("SIGTERM");
    assertEquals(await daemon.exitCode, 143);
    const leases = await new DynamoDBLeaseStore({
      tableName: "PythonKCLSample",
      dynamodb: signedDynamoDB({
        region: "us-east-1",
        endpoint: dynamodb.url,
        credentials: testCredentials,
        system: realSystem,
      }),
      system: realSystem,
    }).list();
    const checkpoints = leases.leases.map(({ checkpoint }) => checkpoint.sequenceNumber);
    assertEquals(checkpoints.map((text) => /^\d{50,}$/.test(text)), [true, true]);
  });
}

/** The sample writes without line ends, so that its text comes in pieces, cut anywhere. */
function wordsIn(log: string): Set<string> {
  const said = new Map<string, string>();
  for (const [, pid = "", text = ""] of log.matchAll(/process (\d+) stderr: (.*)$/gm)) {
    said.set(pid, `${said.get(pid) ?? ""}${text}`.replaceAll(" ", ""));
  }
  return new Set([...said.values()].flatMap((text) => text.match(/PartitionKey:word\d+,/g) ?? []));
}

const V1_APP = `
import sys
from amazon_kclpy import kcl

def note(*what):
    print("note:", *what, file=sys.stderr, flush=True)

class Words(kcl.RecordProcessorBase):
    def initialize(self, shard_id):
        note("initialize", shard_id)

    def process_records(self, records, checkpointer):
        for record in records:
            note("record", record.get("data"), record.get("sequenceNumber"), record.get("partitionKey"))
        checkpointer.checkpoint(records[0].get("sequenceNumber"))

    def shutdown(self, checkpointer, reason):
        note("shutdown", reason)
        if reason == "TERMINATE":
            checkpointer.checkpoint()

if __name__ == "__main__":
    kcl.KCLProcess(Words()).run()
`;

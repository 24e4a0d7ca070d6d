import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { TestBed } from "../support/fleet.ts";
import { isGone } from "../support/command.ts";
import { Daemon } from "./daemon.ts";
import { appIn, wrappedAppIn } from "./real_bed.ts";

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `r${from + i}`);

function onUnix(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os === "windows", fn });
}

onUnix(
  "cli.ts runs one child for each shard without any java, and stops in order on SIGTERM (promises 2, 3, 4, 8, 26; trap 30)",
  async () => {
    await using bed = await TestBed.start(2);
    await using daemon = await Daemon.start(bed, appIn("words"));
    await bed.stream.put(texts(0, 40));
    await daemon.until("all records", () => texts(0, 40).every((text) => textsOf(daemon).includes(text)));
    const children = new Set(daemon.notes.map(({ pid }) => pid));
    assertEquals(children.size, 2);
    assertStringIncludes(daemon.log, "Running app to process stream words with executable ");

    daemon.kill("SIGTERM");
    assertEquals(await daemon.exitCode, 143);
    for (const pid of children) {
      assertEquals(textsOf(daemon, pid).filter((text) => text.startsWith("<")), [
        "<initialize>",
        "<shutdownRequested>",
        "<leaseLost>",
      ]);
      assert(await isGone(pid));
    }
    const leases = await bed.leases();
    assertEquals(leases.map((lease) => /^\d+$/.test(lease.checkpoint.sequenceNumber)), [true, true]);
    assertEquals(leases.map((lease) => lease.leaseOwner), [undefined, undefined]);
  },
);

onUnix(
  "cli.ts restarts the shard of a child that was killed, from its checkpoint, and loses nothing (promise 9; trap 23)",
  async () => {
    await using bed = await TestBed.start(2);
    await using daemon = await Daemon.start(bed, appIn("words"));
    await bed.stream.put(texts(0, 40));
    await daemon.until("all records", () => texts(0, 40).every((text) => textsOf(daemon).includes(text)));
    const [victim, other] = new Set(daemon.notes.map(({ pid }) => pid));
    assert(victim !== undefined && other !== undefined);
    Deno.kill(victim, "SIGKILL");
    await bed.stream.put(texts(40, 80));
    await daemon.until("more records", () => texts(40, 80).every((text) => textsOf(daemon).includes(text)));
    assertStringIncludes(daemon.log, "ended with signal SIGKILL");
    assertEquals(textsOf(daemon, other).filter((text) => text === "<initialize>").length, 1);
    assertEquals(new Set(daemon.notes.map(({ pid }) => pid)).size, 3);
    daemon.kill("SIGTERM");
    assertEquals(await daemon.exitCode, 143);
  },
);

onUnix(
  "cli.ts with onChildFailure = exit ends with 1 when a child fails, and leaves none behind (trap 23)",
  async () => {
    await using bed = await TestBed.start(2);
    await using daemon = await Daemon.start(bed, appIn("words"), { onChildFailure: "exit" });
    await bed.stream.put(texts(0, 40));
    await daemon.until("all records", () => texts(0, 40).every((text) => textsOf(daemon).includes(text)));
    const [victim, other] = new Set(daemon.notes.map(({ pid }) => pid));
    assert(victim !== undefined && other !== undefined);
    Deno.kill(victim, "SIGKILL");
    assertEquals(await daemon.exitCode, 1);
    assertStringIncludes(daemon.log, `Child process ${victim} ended with signal SIGKILL`);
    assert(await isGone(other));
  },
);

onUnix(
  "cli.ts with onChildFailure = exit ends with 1 when a child hangs past timeoutInSeconds (trap 28)",
  async () => {
    await using bed = await TestBed.start(1);
    await using daemon = await Daemon.start(bed, appIn("hang"), {
      onChildFailure: "exit",
      timeoutInSeconds: 2,
    });
    await bed.stream.put(texts(0, 1));
    assertEquals(await daemon.exitCode, 1);
    assertStringIncludes(daemon.log, "sent no message for 2000 ms");
  },
);

onUnix("cli.ts lets go of a child that hangs once shutdownGraceMillis are over (trap 30)", async () => {
  await using bed = await TestBed.start(1);
  await using daemon = await Daemon.start(bed, appIn("hang"), { shutdownGraceMillis: 500 });
  const pid = await hangingChild(bed, daemon);
  daemon.kill("SIGTERM");
  const startMs = performance.now();
  assertEquals(await daemon.exitCode, 143);
  assertLess(performance.now() - startMs, 28_000); // the default is 30 s
  assert(await isGone(pid));
});

onUnix("cli.ts ends at once on a second signal, and takes its children along (trap 30)", async () => {
  await using bed = await TestBed.start(1);
  await using daemon = await Daemon.start(bed, appIn("hang"), { shutdownGraceMillis: 600_000 });
  const pid = await hangingChild(bed, daemon);
  daemon.kill("SIGINT");
  await daemon.until("the first signal", () => daemon.log.includes("SIGINT: stopping"));
  // Not so soon that it would pass for the echo of the first.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const startMs = performance.now();
  daemon.kill("SIGINT");
  assertEquals(await daemon.exitCode, 130);
  assertLess(performance.now() - startMs, 60_000);
  assert(await isGone(pid));
});

for (const [signal, code] of [["INT", 130], ["TERM", 143]] as const) {
  for (const [what, app] of [["children", appIn], ["wrapped programs", wrappedAppIn]] as const) {
    onUnix(`cli.ts lets ${what} checkpoint when SIG${signal} reaches the whole group (trap 31)`, async () => {
      await using bed = await TestBed.start(2);
      await using daemon = await Daemon.start(bed, app("late"), { onChildFailure: "exit" });
      await bed.stream.put(texts(0, 20));
      await daemon.until("the records", () => texts(0, 20).every((text) => textsOf(daemon).includes(text)));
      await daemon.killGroup(signal);
      assertEquals(await daemon.exitCode, code);
      assert(!/ (?:ERROR|WARNING) /.test(daemon.log), daemon.log);
      const leases = await bed.leases();
      assertEquals(
        leases.map((lease) => /^\d+$/.test(lease.checkpoint.sequenceNumber)),
        [true, true],
        daemon.log,
      );
      for (const { pid } of daemon.notes) assert(await isGone(pid));
    });
  }
}

onUnix(
  "cli.ts leaves nothing behind when it stops while a program behind a wrapper hangs (trap 30)",
  async () => {
    await using bed = await TestBed.start(1);
    await using daemon = await Daemon.start(bed, wrappedAppIn("stubborn"), { shutdownGraceMillis: 500 });
    await bed.stream.put(texts(0, 1));
    await daemon.until("the hanging", () => textsOf(daemon).includes("stubborn"));
    const [{ pid } = { pid: 0 }] = daemon.notes;
    await daemon.killGroup("TERM");
    assertEquals(await daemon.exitCode, 143);
    assert(await isGone(pid));
  },
);

onUnix("children end with their stdin when cli.ts was killed", async () => {
  await using bed = await TestBed.start(2);
  await using daemon = await Daemon.start(bed, wrappedAppIn("words"));
  await bed.stream.put(texts(0, 20));
  await daemon.until("the records", () => texts(0, 20).every((text) => textsOf(daemon).includes(text)));
  daemon.kill("SIGKILL");
  await daemon.exitCode;
  const pids = new Set(daemon.notes.map(({ pid }) => pid));
  assertEquals(pids.size, 2);
  for (const pid of pids) assert(await isGone(pid));
});

onUnix(
  "cli.ts tells children of the end of their shards, by a split and with the stream; successors wait (promises 16, 23)",
  async () => {
    await using bed = await TestBed.start(1);
    await using daemon = await Daemon.start(bed, appIn("words"));
    await bed.stream.put(texts(0, 10));
    await daemon.until("the records", () => texts(0, 10).every((text) => textsOf(daemon).includes(text)));
    const [parent] = await bed.stream.openShards();
    assert(parent !== undefined);
    await bed.stream.split(parent);
    await bed.stream.put(texts(10, 30));
    await daemon.until("the records", () => texts(10, 30).every((text) => textsOf(daemon).includes(text)));
    const told = daemon.notes.map(({ text }) => text);
    const firstAfter = told.findIndex((text) => texts(10, 30).includes(text));
    assertEquals(told.slice(0, firstAfter).filter((text) => text === "<shardEnded>").length, 1);

    await bed.stream.delete();
    await daemon.until(
      "both ends",
      () => textsOf(daemon).filter((text) => text === "<shardEnded>").length === 3,
    );
    daemon.kill("SIGTERM");
    assertEquals(await daemon.exitCode, 143);
  },
);

onUnix("cli.ts under another application's name reads the stream for itself (promises 27, 28)", async () => {
  await using bed = await TestBed.start(1);
  await bed.stream.put(texts(0, 10));
  await using one = await Daemon.start(bed, appIn("words"), { applicationName: "one" });
  await using two = await Daemon.start(bed, appIn("words"), { applicationName: "two" });
  for (const daemon of [one, two]) {
    await daemon.until("all records", () => texts(0, 10).every((text) => textsOf(daemon).includes(text)));
    assertEquals(textsOf(daemon).filter((text) => text === "r0").length, 1);
  }
  const tables = [one, two].map((daemon) => daemon.log.match(/lease table (\w+)/)?.[1]);
  assertEquals(tables, ["one", "two"]);
});

onUnix(
  "cli.ts ends with 1 when it cannot start: no foreign table is touched, no child started (promise 27; trap 32)",
  async () => {
    await using bed = await TestBed.start(1);
    await bed.dynamodb().createTable({
      TableName: "app",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    });
    await using daemon = await Daemon.start(bed, appIn("words"), {
      schedulerInitializationBackoffTimeMillis: 1,
    });
    assertEquals(await daemon.exitCode, 1);
    assertStringIncludes(daemon.log, "leaseKey");
    assertEquals(daemon.notes, []);
  },
);

onUnix("a shard whose child fails again and again turns /health to 503, by name (trap 23)", async () => {
  await using bed = await TestBed.start(1);
  await using daemon = await Daemon.start(bed, appIn("die"), { healthPort: 0 });
  await bed.stream.put(texts(0, 1));
  await daemon.until("the address", () => /Health is served at (\S+)\n/.test(daemon.log));
  const url = daemon.log.match(/Health is served at (\S+)\n/)?.[1];
  let text = "";
  await daemon.until("the verdict", async () => {
    const response = await fetch(`${url}/health`);
    text = await response.text();
    return response.status === 503 && text.includes("restarted");
  });
  assertStringIncludes(text, "shardId-000000000000");
  assertStringIncludes(text, "ended with exit code 0");
});

/** The process id of a child that got a record and will never answer. */
async function hangingChild(bed: TestBed, daemon: Daemon): Promise<number> {
  await bed.stream.put(texts(0, 1));
  await daemon.until("the child's hanging", () => /process (\d+) stdout: hanging/.test(daemon.log));
  return Number(daemon.log.match(/process (\d+) stdout: hanging/)?.[1]);
}

/** The texts that the children noted, or one of them. */
function textsOf(daemon: Daemon, pid?: number): string[] {
  return daemon.notes.filter((note) => pid === undefined || note.pid === pid).map(({ text }) => text);
}

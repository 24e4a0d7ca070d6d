/** `kclite reset` on an emulator. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../../docs/commands_world.ts";
import { checkpoint, startHandoff } from "../../../src/lease/lease_write.ts";
import { positionAt } from "../../../src/stream/sequence_number.ts";
import { newLease } from "../../lease/fixtures.ts";
import { withFolder } from "../../support/folder.ts";
import { OperateBed } from "../../support/operate_bed.ts";

/** All that the lease table holds. */
async function itemsOf(bed: OperateBed): Promise<unknown> {
  return (await bed.fleet.leaseStore.list()).leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
}

/** Where the leases stand, and how many children each has. */
async function positionsOf(bed: OperateBed): Promise<Record<string, string>> {
  const { leases } = await bed.fleet.leaseStore.list();
  return Object.fromEntries(
    leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1).map((
      { leaseKey, checkpoint, childShardIds },
    ) => [leaseKey.slice(-1), `${checkpoint.sequenceNumber} ${childShardIds.length}`]),
  );
}

Deno.test("reset prints its plan, and writes nothing", async () => {
  const bed = await commandsWorld({ isStopped: true });
  const before = await itemsOf(bed);
  const { code, out, err } = await bed.run(["reset", "--to", "2026-01-30T12:30:00Z"]);
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "To what arrived at 2026-01-30T12:30:00.000Z or later:");
  assertMatch(out, /shardId-000000000001 +SHARD_END +…\d+ +2026-01-30T12:29:00.000Z/);
  assertMatch(out, /shardId-000000000004 +…\d+ +TRIM_HORIZON +-/);
  assertStringIncludes(out, "Nothing is written yet: --execute writes.");
  assertEquals(await itemsOf(bed), before);
});

Deno.test("reset --by-duration names the time, and -PT30M is the same as PT30M", async () => {
  const bed = await commandsWorld({ isStopped: true });
  for (const duration of ["PT30M", "-PT30M", "30m"]) {
    const { out } = await bed.run(["reset", "--by-duration", duration, "--json"]);
    const { target } = JSON.parse(out);
    assertMatch(target, /^2026-01-30T13:30:0\d\.\d{3}Z$/);
  }
});

Deno.test("reset --execute stores the old positions first, and --from-file of that file gives them back", async () => {
  await withFolder({}, async (folder) => {
    const bed = await commandsWorld({ isStopped: true });
    const before = await positionsOf(bed);
    const file = `${folder}/before.json`;
    const done = await bed.run(["reset", "--to", "earliest", "--export", file, "--execute"]);
    assertEquals([done.code, done.err], [0, ""]);
    assertStringIncludes(done.out, "Waiting 11 s: a live worker renews its leases in that time.\n");
    assertStringIncludes(done.out, `Wrote 6 leases. Undo: --from-file ${file} --execute`);
    const oldest = Object.values(await positionsOf(bed));
    assertEquals(oldest, Array(6).fill("TRIM_HORIZON 0"));
    const { mode } = await Deno.stat(file);
    assertEquals((mode ?? 0) & 0o777, 0o600);
    const taken = await bed.run(["reset", "--to", "earliest", "--export", file, "--execute"]);
    assertEquals(taken.code, 1);
    assertStringIncludes(taken.err, "there is a file of this name already");

    const undo = await bed.run([
      "reset",
      "--from-file",
      file,
      "--execute",
      "--json",
      "--export",
      `${folder}/after.json`,
    ]);
    assertEquals([undo.code, undo.err], [0, ""]);
    assertEquals(JSON.parse(undo.out).written.length, 6);
    assertEquals(await positionsOf(bed), before);
    const again = await bed.run(["reset", "--from-file", file, "--execute"]);
    assertStringIncludes(again.out, "6 leases stay: they are there already\nNothing is to be written.");
  });
});

Deno.test("reset --from-file gives back a prepared checkpoint and the map of what is finished ahead", async () => {
  await withFolder({}, async (folder) => {
    const bed = await commandsWorld({ isStopped: true });
    const lease = await bed.read("shardId-000000000002");
    const bound = {
      checkpoint: lease.checkpoint,
      finishedAhead: "1:5-9",
      pendingCheckpoint: positionAt("77", 3),
      pendingCheckpointState: new Uint8Array([0, 200, 255]),
    };
    const { resetLease } = await import("../../../src/lease/reset_lease.ts");
    await bed.fleet.leaseStore.apply(resetLease(lease, bound));
    const file = `${folder}/before.json`;
    const first = await bed.run(["reset", "--to", "earliest", "--export", file, "--execute"]);
    assertEquals(first.code, 0, first.err);
    const moved = await bed.read(lease.leaseKey);
    assertEquals([moved.finishedAhead, moved.pendingCheckpoint, moved.pendingCheckpointState], [
      undefined,
      undefined,
      undefined,
    ]);
    await bed.run(["reset", "--from-file", file, "--execute", "--export", `${folder}/2.json`]);
    const { checkpoint, finishedAhead, pendingCheckpoint, pendingCheckpointState } = await bed.read(
      lease.leaseKey,
    );
    assertEquals({ checkpoint, finishedAhead, pendingCheckpoint, pendingCheckpointState }, bound);
  });
});

Deno.test("reset --from-file over a split: children begin at their oldest record, once the parent has ended", async () => {
  await withFolder({}, async (folder) => {
    const bed = new OperateBed({ streams: { words: 1 } });
    const words = bed.aws.stream("words");
    await bed.table();
    const { sequenceNumber } = words.put("one");
    await bed.lease({ ...newLease("shardId-000000000000"), checkpoint: positionAt(sequenceNumber) });
    const file = `${folder}/before.json`;
    assertEquals((await bed.run(["reset", "--export", file])).code, 0);
    words.put("two");
    words.split("shardId-000000000000");
    const parent = await bed.read("shardId-000000000000");
    await bed.fleet.leaseStore.apply(checkpoint(parent, positionAt("SHARD_END")));
    for (const shardId of ["shardId-000000000001", "shardId-000000000002"]) {
      await bed.lease({
        ...newLease(shardId),
        parentShardIds: ["shardId-000000000000"],
        checkpoint: positionAt("999"),
      });
    }
    const { code, err } = await bed.run(
      ["reset", "--from-file", file, "--execute", "--export", `${folder}/2.json`],
    );
    assertEquals([code, err], [0, ""]);
    assertEquals(await positionsOf(bed), {
      0: `${sequenceNumber} 0`,
      1: "TRIM_HORIZON 0",
      2: "TRIM_HORIZON 0",
    });
  });
});

Deno.test("reset --from-file refuses a file of something else, or of another table", async () => {
  const other = JSON.stringify({
    kcliteLeases: 1,
    applicationName: "b\u001b[2J",
    tableName: "b",
    leases: [],
  });
  const broken = JSON.stringify({
    kcliteLeases: 1,
    applicationName: "app",
    tableName: "app",
    leases: [{ leaseKey: "a" }],
  });
  const files = { "text.json": "hello", "list.json": "[]", "other.json": other, "broken.json": broken };
  await withFolder(files, async (folder) => {
    const bed = new OperateBed();
    await bed.table();
    await bed.lease(newLease("shardId-000000000000"));
    const before = await itemsOf(bed);
    for (
      const [name, problem] of [
        ["text.json", "expected a file of kclite reset --export: got no JSON"],
        ["list.json", "got something else"],
        ["broken.json", "got a broken lease at place 1"],
        ["other.json", 'expected a file of table "app": got one of table "b"'],
        ["none.json", "none.json"],
      ] as const
    ) {
      const { code, err } = await bed.run(["reset", "--from-file", `${folder}/${name}`, "--execute"]);
      assertEquals(code, 1, name);
      assertStringIncludes(err, problem);
      assertEquals(err.includes("\u001b"), false);
    }
    assertEquals(await itemsOf(bed), before);
  });
});

Deno.test("reset is refused while a worker reports, and while a lease is renewed without any report", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const before = await positionsOf(bed);
  const { code, out } = await bed.run(["reset", "--to", "latest", "--execute"]);
  assertEquals(code, 1);
  assertMatch(out, /Worker worker-a reported \d s ago: stop it, or wait \d+ s if it has died/);
  assertStringIncludes(out, "Refused: the application is running. Nothing is written.");
  const silent = new OperateBed();
  await silent.table();
  await silent.lease(newLease("shardId-000000000000"), "old-worker");
  silent.clock.whileAsleep = async (ms) => {
    if (ms < 9000) await silent.renew("shardId-000000000000");
  };
  const refused = await silent.run(["reset", "--to", "earliest", "--execute", "--json"]);
  assertEquals(refused.code, 1, refused.out);
  assertEquals(JSON.parse(refused.out).alive.movedLeases, ["shardId-000000000000"]);
  assertEquals(await positionsOf(bed), before);
});

Deno.test("reset frees a lease that was left in the middle of a handoff", async () => {
  await withFolder({}, async (folder) => {
    const bed = new OperateBed({ streams: { words: 1 } });
    await bed.table();
    const lease = await bed.lease(
      { ...newLease("shardId-000000000000"), checkpoint: positionAt("LATEST") },
      "a",
    );
    await bed.fleet.leaseStore.apply(startHandoff({ ...lease, leaseOwner: "a" }, "b"));
    const { code } = await bed.run([
      "reset",
      "--to",
      "earliest",
      "--execute",
      "--export",
      `${folder}/1.json`,
    ]);
    const { leaseOwner, checkpointOwner, checkpoint } = await bed.read(lease.leaseKey);
    assertEquals([code, leaseOwner, checkpointOwner, checkpoint.sequenceNumber], [
      0,
      undefined,
      undefined,
      "TRIM_HORIZON",
    ]);
  });
});

Deno.test("reset --shard with a sequence number makes that record the next one", async () => {
  const bed = await commandsWorld({ isStopped: true });
  const [before, wanted] = bed.aws.stream("orders").records("shardId-000000000002");
  assert(before !== undefined && wanted !== undefined);
  const { code, out } = await bed.run(["reset", "--to", wanted.sequenceNumber, "--shard", "2", "--json"]);
  const { changes } = JSON.parse(out);
  const moves = changes.filter(({ action }: { action: string }) => action === "move");
  assertEquals([code, moves.length, moves[0].after.sequenceNumber], [0, 1, before.sequenceNumber]);
  const wrong = await bed.run(["reset", "--to", "earliest", "--shard", "77"]);
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, 'Cannot find shard "77": expected one shard of the stream: got none');
  const future = await bed.run(["reset", "--to", "2036-01-30T12:30:00Z"]);
  assertEquals(future.code, 1);
  assertStringIncludes(future.err, "expected a time that is over");
});

Deno.test("reset with options that do not fit together ends with 2", async () => {
  const bed = new OperateBed();
  for (
    const [args, problem] of [
      [[], "Expected --to, --by-duration or --from-file: got none"],
      [["--execute", "--export", "x"], "Expected --to, --by-duration or --from-file: got none"],
      [["--to", "latest", "--by-duration", "1h"], "got --to and --by-duration"],
      [["--to", "12345678901234567890"], "Expected one --shard with a sequence number: got none"],
      [["--from-file", "x", "--shard", "1"], "Expected no --shard here"],
      [["--to", "yesterday"], "earliest, latest, a time such as 2026-01-30T12:00:00Z"],
    ] as const
  ) {
    const { code, err } = await bed.run(["reset", ...args]);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, problem);
    assertStringIncludes(err, "kclite reset --help");
  }
});

Deno.test("reset of a table that is not there, and without a permission, is one sentence, and 1", async () => {
  const none = await new OperateBed().run(["reset", "--to", "latest"]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.err, 'Cannot look at lease table "app": there is no such table');
  for (const operation of ["Scan", "ListShards", "GetShardIterator", "GetRecords"]) {
    const bed = await commandsWorld({ isStopped: true });
    const before = await itemsOf(bed);
    bed.aws.faults.next(operation, { type: "refused", code: "AccessDeniedException", times: Infinity });
    const { code, err } = await bed.run(["reset", "--to", "latest", "--execute"]);
    assertEquals(code, 1, operation);
    assertStringIncludes(err, operation);
    bed.aws.faults.clear();
    assertEquals(await itemsOf(bed), before);
  }
});

Deno.test("reset that may not write says what was not written, and ends with 1", async () => {
  await withFolder({}, async (folder) => {
    const bed = await commandsWorld({ isStopped: true });
    bed.aws.faults.next("UpdateItem", { type: "refused", code: "AccessDeniedException", times: Infinity });
    const { code, out } = await bed.run(
      ["reset", "--to", "earliest", "--execute", "--export", `${folder}/1.json`],
    );
    assertEquals(code, 1);
    assertStringIncludes(out, "Stopped half-way: wrote 0 leases");
    assertMatch(out, /Failed: shardId-0+\d: .*UpdateItem/);
    assertStringIncludes(
      out,
      `The same command writes the rest. Undo: --from-file ${folder}/1.json --execute`,
    );
  });
});

Deno.test("reset fits into 40 columns", async () => {
  const bed = await commandsWorld({ isStopped: true });
  const { out } = await bed.run(["reset", "--to", "earliest"], { columns: 40 });
  // deno-lint-ignore no-control-regex
  const lines = out.replace(/\x1b\[[\d;?]*[a-zA-Z]/g, "").split(/[\r\n]+/);
  const rows = lines.filter((line) => /shardId|LEASE/.test(line));
  assert(rows.length >= 6, out);
  assertEquals(rows.filter((line) => line.length > 40), []);
});

Deno.test("reset of many streams moves each by its own shards, and leaves streams that are gone", async () => {
  await withFolder({}, async (folder) => {
    const bed = new OperateBed({ streams: { words: 1, names: 1 } });
    await bed.table();
    const id = (stream: string) => `123456789012:${stream}:1769774400`;
    for (const stream of ["words", "names", "former"]) {
      await bed.lease({
        ...newLease(`${id(stream)}:shardId-000000000000`),
        shardId: "shardId-000000000000",
        streamIdentifier: id(stream),
        checkpoint: positionAt("1"),
      });
    }
    bed.aws.stream("names").put("a");
    bed.clock.pass(1000);
    const { code, out, err } = await bed.run([
      "reset",
      "--to",
      "latest",
      "--execute",
      "--json",
      "--application",
      "app",
      "--region",
      "eu-central-1",
      "--export",
      `${folder}/1.json`,
    ], { isBare: true });
    assertEquals([code, err], [0, ""], out);
    const { changes } = JSON.parse(out);
    const newest = bed.aws.stream("names").records("shardId-000000000000").at(-1)?.sequenceNumber;
    assertEquals(
      changes.map((
        { leaseKey, action, after }: { leaseKey: string; action: string; after: { sequenceNumber: string } },
      ) => [leaseKey.split(":")[1], action, after.sequenceNumber]).toSorted(),
      [["former", "keep", "1"], ["names", "move", newest], ["words", "move", "TRIM_HORIZON"]],
    );
  });
});

Deno.test("reset that is stopped half-way says what it wrote, and the same command writes the rest", async () => {
  await withFolder({}, async (folder) => {
    const bed = new OperateBed({ streams: { words: 60 } });
    await bed.table();
    for (const { shardId } of bed.aws.stream("words").shards()) {
      await bed.lease({ ...newLease(shardId), checkpoint: positionAt("1") });
    }
    const stop = new AbortController();
    let calls = 0;
    bed.aws.faults.next("UpdateItem", {
      type: "slow",
      ms: 0,
      times: Infinity,
      when: () => {
        if (++calls === 20) stop.abort(new Error("Stopped by SIGINT"));
        return false;
      },
    });
    const reset = (
      file: string,
    ) => ["reset", "--to", "earliest", "--execute", "--export", `${folder}/${file}`];
    const { code, out } = await bed.run(reset("1.json"), { signal: stop.signal });
    const atOldest = async () =>
      (await bed.fleet.leaseStore.list()).leases.filter(({ checkpoint }) =>
        checkpoint.sequenceNumber === "TRIM_HORIZON"
      ).length;
    const written = await atOldest();
    assert(written >= 19 && written < 60, `${written}`);
    assertEquals(code, 1);
    assertStringIncludes(out, `Stopped half-way: wrote ${written} leases`);
    assertMatch(out, /Written: shardId-.* and \d+ more\nNot written: shardId-/);
    const rest = await bed.run(reset("2.json"));
    assertStringIncludes(rest.out, `Wrote ${60 - written} leases.`);
    assertEquals([rest.code, await atOldest()], [0, 60]);
  });
});

/** `kclite lag` on an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../docs/commands_world.ts";
import { lagLines } from "../../src/command/operate/lag_text.ts";
import { lagReport } from "../../src/operate/lag_report.ts";
import { lookAtLag } from "../../src/operate/lag_look.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

const world = () => commandsWorld({ isStopped: false });

Deno.test("lag shows each shard, and one JSON document for programs", async () => {
  const bed = await world();
  const text = await bed.run(["lag"]);
  assertEquals([text.code, text.err], [0, ""]);
  assertStringIncludes(text.out, "orders-app: 5 shards and 1 finished; 20 min 4 s behind at most");
  assertStringIncludes(text.out, "stands still");
  const report = JSON.parse((await bed.run(["lag", "--json"])).out);
  assertEquals([report.leases.length, report.finishedLeases], [5, 1]);
  assertEquals([report.maxBehindLeaseKey, report.leases[0].shardId], Array(2).fill("shardId-000000000002"));
});

Deno.test("lag --max ends with 1 and names the shards that are over it", async () => {
  const bed = await world();
  const { code, err } = await bed.run(["lag", "--max", "15m", "--between", "0s"]);
  assertEquals([code, err], [1, "ERROR   shardId-000000000002: 20 min behind, over 15 min\n"]);
  assertEquals((await bed.run(["lag", "--max", "2h"])).code, 0);
});

Deno.test("lag --watch prints one line of JSON a look in a pipe, not more often than each 10 s", async () => {
  const bed = await world();
  const stop = new AbortController();
  let looks = 0;
  const { code, out } = await bed.run(["lag", "--watch", "--every", "10s"], {
    signal: stop.signal,
    onWrite: () => {
      if (++looks === 3) stop.abort(new Error("Stopped by SIGINT"));
    },
  });
  assertEquals(code, 0);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, 3);
  assert(Date.parse(lines[2].time) - Date.parse(lines[1].time) >= 10_000);
  const often = await bed.run(["lag", "--watch", "--every", "9s"]);
  assertEquals([often.code, often.out], [2, ""]);
  assertStringIncludes(often.err, "Expected --every of at least 10s");
  assertEquals((await bed.run(["lag", "--every", "20s"])).code, 2);
});

Deno.test("lag --watch draws on a terminal, and ends with 1 when a shard is over --max", async () => {
  const bed = await world();
  const { code, out, err } = await bed.run(["lag", "--watch", "--max", "1m"], { columns: 100 });
  assertEquals(code, 1);
  assertStringIncludes(out, "\u001b[?1049h");
  assertStringIncludes(err, "20 min 4 s behind, over 1 min");
});

Deno.test("lag shows the table when Kinesis may not be read, and ends with 1", async () => {
  const bed = await world();
  bed.aws.faults.next("GetRecords", { type: "refused", code: "AccessDeniedException", times: Infinity });
  const { code, out } = await bed.run(["lag"]);
  assertEquals(code, 1);
  assertStringIncludes(out, "worker-c");
  assertStringIncludes(out, "Shards could not be read: allow kinesis:GetRecords");
});

Deno.test("lag waits and tries again when Kinesis throttles it", async () => {
  const bed = await world();
  bed.aws.faults.next("GetRecords", { type: "throttled", times: 5 });
  bed.aws.faults.next("GetShardIterator", { type: "throttled", times: 5 });
  const { code, out } = await bed.run(["lag", "--json"]);
  assertEquals(code, 0);
  assertEquals(JSON.parse(out).notRead, []);
});

Deno.test("lag fits into 40 columns", async () => {
  const bed = await world();
  // deno-lint-ignore no-control-regex
  const lines = (await bed.run(["lag"], { columns: 40 })).out.replace(/\x1b\[[\d;]*m/g, "").split("\n");
  const table = lines.slice(lines.indexOf("") + 1);
  assert(table.length > 20);
  assertEquals(table.filter((line) => line.length > 40), []);
});

Deno.test("lag names open shards that have no lease, and with --max ends with 1", async () => {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "a");
  const { code, out } = await bed.run(["lag"]);
  assertEquals(code, 0);
  assertStringIncludes(
    out,
    "1 open shard without a lease, which nobody reads:\n  words shardId-000000000001\n",
  );
  assertEquals((await bed.run(["lag", "--max", "1h"])).code, 1);
});

Deno.test("lagLines() marks shards whose records are finished after the checkpoint", async () => {
  const bed = new OperateBed({ streams: { words: 1 } });
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "a");
  const found = await lookAtLag(bed.fleet, {}, new AbortController().signal);
  const style = { columns: 100, paint: (_: string, text: string) => text };
  const linesWith = (finishedAhead: string | undefined) => {
    const leases = found.table.leases.map((lease) => ({ ...lease, finishedAhead }));
    return lagLines(lagReport(undefined, { ...found, table: { ...found.table, leases } }), style).join("\n");
  };
  assertStringIncludes(linesWith("1"), "shardId-000000000000 +");
  assertStringIncludes(linesWith("1"), "+ Records after the checkpoint are finished already.");
  assertEquals(linesWith(undefined).includes("+"), false);
});

Deno.test("lagLines() says of each pace what comes of it", async () => {
  const bed = new OperateBed({ streams: { words: 1 } });
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "a");
  const found = await lookAtLag(bed.fleet, {}, new AbortController().signal);
  const pace = (beforeMs: number, behindMs: number, hasMoved = true) => {
    const leaseKey = "shardId-000000000000";
    const before = {
      startedMs: 0,
      sightings: new Map([[leaseKey, { behindMs: beforeMs, atMs: 0 }]]),
      checkpoints: new Map([[leaseKey, hasMoved ? "1" : "TRIM_HORIZON"]]),
    };
    const seen = {
      type: "seen" as const,
      atMs: 60_000,
      behindMs,
      checkpointAgeMs: undefined,
      oldestUnreadAgeMs: behindMs,
    };
    const report = lagReport(before, { ...found, probes: new Map([[leaseKey, seen]]) });
    return lagLines(report, { columns: Infinity, paint: (_, text) => text }).join("\n");
  };
  const hourMs = 3_600_000;
  assertStringIncludes(pace(2 * hourMs + 120_000, 2 * hourMs), "catches up in 1 h");
  assertStringIncludes(pace(20 * hourMs - 30_000, 20 * hourMs), "loses records in 8 h");
  assertStringIncludes(pace(20 * hourMs, 20 * hourMs), "keeps pace");
  assertStringIncludes(pace(20 * hourMs - 60_000, 20 * hourMs, false), "stands still");
  assertStringIncludes(pace(24 * hourMs, 24 * hourMs), "lost");
});

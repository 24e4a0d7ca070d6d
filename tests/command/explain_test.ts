/** `kclite explain` on an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../docs/commands_world.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

const world = () => commandsWorld({ isStopped: false });

Deno.test("explain says in a paragraph and in facts why a shard is read or not", async () => {
  const bed = await world();
  const gone = await bed.run(["explain", "0003"]);
  assertEquals([gone.code, gone.err], [0, ""]);
  assertStringIncludes(gone.out, "shardId-000000000003 is not being read: worker-c owns its lease");
  assertStringIncludes(gone.out, "\nOwner: worker-c (report 4 min 4 s old)\nCounter: 2 (+0)\n");
  assertStringIncludes((await bed.run(["explain", "0004"])).out, "handed over from worker-a to worker-b");
  const { reason, sentences, facts } = JSON.parse((await bed.run(["explain", "0002", "--json"])).out);
  assertEquals([reason, facts.owner, sentences.length], ["beingRead", "worker-b", 4]);
});

Deno.test("explain of a name of nothing ends with 1 and names the nearest", async () => {
  const { code, out } = await (await world()).run(["explain", "0009"]);
  assertEquals(code, 1);
  assertStringIncludes(out, 'There is no lease and no shard whose name ends with "0009"');
});

Deno.test("explain works without Kinesis, and says what it could not see", async () => {
  const bed = await world();
  const refused = { type: "refused", code: "AccessDeniedException", times: Infinity } as const;
  for (const operation of ["GetShardIterator", "ListShards", "DescribeStreamSummary"] as const) {
    bed.aws.faults.next(operation, refused);
  }
  const { code, out } = await bed.run(["explain", "0003"]);
  assertEquals(code, 0);
  assertStringIncludes(out, "worker-c owns its lease, and seems to have stopped");
  for (const action of ["GetShardIterator", "ListShards", "DescribeStreamSummary"]) {
    assertStringIncludes(out, `allow kinesis:${action}`);
  }
});

Deno.test("explain says that the leases may not be read, and ends with 1", async () => {
  const bed = await commandsWorld({ isStopped: true });
  bed.aws.faults.next("Scan", { type: "refused", code: "AccessDeniedException", times: Infinity });
  const { code, out } = await bed.run(["explain", "0003"]);
  assertEquals(code, 1);
  assertStringIncludes(out, "cannot be said: the leases could not be read");
  assertStringIncludes(out, "allow dynamodb:Scan");
});

Deno.test("explain fits into 40 columns, and prints no control characters of hostile owners", async () => {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "evil\u001b[2Jowner\n");
  // deno-lint-ignore no-control-regex
  const colours = /\x1b\[[\d;]*m/g;
  const out = (await bed.run(["explain", "0000"], { columns: 40 })).out.replace(colours, "");
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f]/.test(out), false);
  assert(out.split("\n").length > 10);
  assertEquals(out.split("\n").filter((line) => line.length > 40), []);
});

/** `kclite describe` on an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../docs/commands_world.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

Deno.test("describe shows who reads what, and one JSON document for programs", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const text = await bed.run(["describe"]);
  assertEquals([text.code, text.err], [0, ""]);
  assertStringIncludes(text.out, "orders-app: 6 leases: 3 held, 1 in a handoff, 1 not renewed, 1 finished");
  assertStringIncludes(text.out, "3 workers: 2 reporting, 1 silent; led by worker-a");
  assertStringIncludes(text.out, "worker-a → worker-b");
  const { leases, workers, leader } = JSON.parse((await bed.run(["describe", "--json"])).out);
  assertEquals([leases.length, workers.length, leader.workerId], [6, 3, "worker-a"]);
  const some = JSON.parse((await bed.run(["describe", "--json", "--leases"])).out);
  assertEquals([some.leases.length, some.workers], [6, undefined]);
  assertEquals((await bed.run(["describe", "--workers"])).out.includes("shardId-"), false);
});

Deno.test("describe --between 0s looks once, and does not wait", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const startMs = bed.clock.monotonicMs();
  const { out } = await bed.run(["describe", "--between", "0s"]);
  assertStringIncludes(out, "4 assigned, 1 in a handoff, 1 finished");
  assertEquals(bed.clock.monotonicMs(), startMs);
});

Deno.test("describe fits into 40 columns", async () => {
  const bed = await commandsWorld({ isStopped: false });
  // deno-lint-ignore no-control-regex
  const lines = (await bed.run(["describe"], { columns: 40 })).out.replace(/\x1b\[[\d;]*m/g, "").split("\n");
  const table = lines.slice(lines.indexOf("") + 1);
  assert(table.length > 30);
  assertEquals(table.filter((line) => line.length > 40), []);
});

Deno.test("describe --watch prints one line of JSON a look in a pipe, until it is stopped", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const stop = new AbortController();
  let looks = 0;
  const { code, out } = await bed.run(["describe", "--watch", "--json"], {
    signal: stop.signal,
    onWrite: () => {
      if (++looks === 3) stop.abort(new Error("Stopped by SIGINT"));
    },
  });
  assertEquals(code, 0);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, 3);
  assert(lines[0].time < lines[2].time);
});

Deno.test("describe shows the rest when something may not be read, and ends with 1 when nothing was", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const refused = { type: "refused", code: "AccessDeniedException", times: Infinity } as const;
  // The workers of this world go on reading their leases.
  bed.aws.faults.next("GetItem", { ...refused, when: (input) => JSON.stringify(input).includes('"Leader"') });
  const some = await bed.run(["describe"]);
  assertEquals(some.code, 0);
  assertStringIncludes(some.out, "The leader's lock could not be read: allow dynamodb:GetItem");
  bed.aws.faults.next("Scan", { ...refused, when: (input) => "ReturnConsumedCapacity" in input });
  const none = await bed.run(["describe"]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.out, "The leases could not be read: allow dynamodb:Scan");
});

Deno.test("describe of a table that is not there is one sentence, and 1", async () => {
  const { code, out, err } = await new OperateBed().run(["describe"]);
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, 'Cannot look at lease table "app": there is no such table');
});

Deno.test("describe prints no control characters of hostile owners, and keeps streams apart", async () => {
  const bed = new OperateBed();
  await bed.table();
  const streamIdentifier = "123456789012:orders:1700000000";
  await bed.lease(
    newLease("shardId-000000000000", {
      leaseKey: `${streamIdentifier}:shardId-000000000000`,
      streamIdentifier,
    }),
    "evil\u001b[2Jowner\n",
  );
  const { out } = await bed.run(["describe"]);
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f]/.test(out), false);
  assertStringIncludes(out, `${streamIdentifier}\nLEASE`);
});

import { assertEquals, assertRejects } from "@std/assert";
import { LeaseTableError } from "../../src/errors.ts";
import { fleetFormat } from "../../src/fleet/fleet_format.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;
const A = "123456789012:a:1";

function formatOf(memory: MemoryBed, options: Partial<WorkerOptions>) {
  const { table, finding: { streams: { mode } } } = settingsOf({
    applicationName: "app",
    region: "us-east-1",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  const { store: leaseStore, coordinator: coordinatorStore, system } = memory;
  return fleetFormat(
    { table, mode, workerId: "me", leaseStore, coordinatorStore, system },
    undefined,
    signal,
  );
}

Deno.test("fleetFormat() writes Migration3.0 of a fresh fleet, and of no other", async () => {
  const fresh = new MemoryBed();
  assertEquals((await formatOf(fresh, { streamName: "words" })).mayLead, true);
  const written = fresh.table.items();
  assertEquals(written.map((item) => item.leaseKey), [{ S: "Migration3.0" }]);
  await fresh.clock.advance(60_000);
  await formatOf(fresh, { streamName: "words" });
  assertEquals(fresh.table.items(), written);
});

Deno.test("fleetFormat() refuses the table of an application of the other kind, and takes one of its own", async () => {
  const one = new MemoryBed(), many = new MemoryBed();
  await formatOf(one, { streamName: "words" });
  await one.lease("s", "other");
  await formatOf(many, { streams: [A] });
  await many.lease("s", "other", { leaseKey: `${A}:s`, streamIdentifier: A });

  assertEquals((await formatOf(one, { streamName: "words" })).mayLead, true);
  assertEquals((await formatOf(many, { streams: [A] })).mayLead, true);
  await assertRejects(
    () => formatOf(one, { streams: [A] }),
    LeaseTableError,
    "expected leases of many streams: got those of one stream, e.g. s",
  );
  await assertRejects(
    () => formatOf(many, { streamName: "words" }),
    LeaseTableError,
    `expected leases of one stream: got those of many streams, e.g. ${A}:s`,
  );
});

import { assertEquals } from "@std/assert";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { eventsOf, pageOf } from "../support/consumer_bed.ts";
import { keyed, type PolicyBed, startPolicy } from "../support/policy_bed.ts";

const parallel = { concurrency: { perShard: 4 }, batch: { size: 1 } } as const;
const noPause = { retry: { delay: () => 1_000_000 } } as const;

/** Ten records, each with a key of its own. */
function ten() {
  return Array.from({ length: 10 }, (_, index) => keyed(index + 1, `key-${index + 1}`));
}

/** Runs until records 1 and 5 are all that is left, and the worker is gone without a word. */
async function crashed(checkpoints: "auto" | "own", aggregates?: "whole"): Promise<PolicyBed> {
  const bed = startPolicy({ ...parallel, errors: noPause }, ({ records: [record] }) => {
    if (["1", "5"].includes(record?.sequenceNumber ?? "")) throw new Error("not yet");
  }, { checkpoints, ...(aggregates === undefined ? {} : { aggregates }) });
  bed.retrieval.feed(pageOf(ten()));
  await bed.clock.advance(2000);
  assertEquals(bed.calls.length, 10);
  bed.held.lose();
  await bed.end;
  return bed;
}

for (const checkpoints of ["auto", "own"] as const) {
  Deno.test(`policyDeliveries() repeats only what was in flight after a crash; the processor checkpoints: ${checkpoints}`, async () => {
    const { held } = await crashed(checkpoints);
    assertEquals(held.lease.checkpoint, positionAt("TRIM_HORIZON"));
    const next = startPolicy(parallel, () => {}, { checkpoints, lease: held.lease });
    next.retrieval.feed(pageOf(ten()));
    await next.clock.advance(2000);
    assertEquals(next.calls.toSorted(), ["1", "5"]);
    assertEquals(next.held.lease.checkpoint, positionAt("10"));
    assertEquals(next.held.lease.finishedAhead, undefined);
    next.held.lose();
    await next.end;
  });
}

Deno.test("policyDeliveries() skips what was finished ahead without lanes of its own, too", async () => {
  const { held } = await crashed("auto");
  const next = startPolicy({ errors: {} }, () => {}, { lease: held.lease });
  next.retrieval.feed(pageOf(ten()));
  await next.settle();
  assertEquals(next.calls, ["1+5"]);
  assertEquals(next.held.lease.checkpoint, positionAt("10"));
  next.held.lose();
  await next.end;
});

Deno.test("policyDeliveries() processes all again when the record after the checkpoint is trimmed, and says so", async () => {
  const { held } = await crashed("auto");
  const next = startPolicy(parallel, () => {}, { lease: held.lease });
  next.retrieval.feed(pageOf(ten().slice(2)));
  await next.clock.advance(2000);
  assertEquals(next.calls.length, 8);
  const [notice] = eventsOf(next.events, "notice");
  assertEquals(
    notice?.text,
    "What its lease says of records finished ahead begins at a record that is not there any more: they are processed again",
  );
  next.held.lose();
  await next.end;
});

Deno.test("policyDeliveries() processes all again after a checkpoint of another program", async () => {
  const { held: { lease } } = await crashed("auto");
  const next = startPolicy(parallel, () => {}, { lease: { ...lease, checkpoint: positionAt("2") } });
  next.retrieval.feed(pageOf(ten()));
  await next.clock.advance(2000);
  assertEquals(next.calls.length, 8);
  next.held.lose();
  await next.end;
});

Deno.test("policyDeliveries() does not trust ordinals once aggregates are taken apart in another way", async () => {
  const { held: { lease } } = await crashed("auto");
  const split = leaseWith({ ...lease, hashKeyRange: { startingHashKey: "0", endingHashKey: "9" } });
  const next = startPolicy(parallel, () => {}, { lease: split });
  next.retrieval.feed(pageOf(ten()));
  await next.clock.advance(2000);
  assertEquals(next.calls.length, 10);
  next.held.lose();
  await next.end;
});

for (
  const [before, after] of [[undefined, "whole"], ["whole", undefined], ["whole", "whole"]] as const
) {
  const shown = (aggregates: "whole" | undefined) => aggregates ?? "taken apart";
  Deno.test(`policyDeliveries() trusts ordinals only as they were counted; aggregates ${shown(before)}, then ${shown(after)}`, async () => {
    const { held: { lease } } = await crashed("auto", before);
    const next = startPolicy(parallel, () => {}, {
      lease,
      ...(after === undefined ? {} : { aggregates: after }),
    });
    next.retrieval.feed(pageOf(ten()));
    await next.clock.advance(2000);
    assertEquals(next.calls.length, before === after ? 2 : 10);
    next.held.lose();
    await next.end;
  });
}

Deno.test("policyDeliveries() counts filtered records in the map, and lets none of them fill it", async () => {
  const filter = ({ sequenceNumber }: { readonly sequenceNumber: string }) =>
    Number(sequenceNumber) % 2 === 1;
  const many = Array.from({ length: 4000 }, (_, index) => keyed(index + 1, `key-${index % 1000}`));
  const bed = startPolicy({ ...parallel, filter, errors: noPause }, ({ records: [record] }) => {
    if (["1", "5"].includes(record?.sequenceNumber ?? "")) throw new Error("not yet");
  }, { checkpoints: "auto" });
  bed.retrieval.feed(pageOf(many));
  await bed.clock.advance(2000);
  // The keys of records 1 and 5 come four times each.
  assertEquals(bed.calls.length, 2000 - 6);
  bed.held.lose();
  await bed.end;
  const next = startPolicy({ ...parallel, filter }, () => {}, {
    checkpoints: "auto",
    lease: bed.held.lease,
  });
  next.retrieval.feed(pageOf(many));
  await next.clock.advance(2000);
  assertEquals(next.calls.length, 8);
  assertEquals(next.held.lease.checkpoint, positionAt("4000"));
  next.held.lose();
  await next.end;
});

Deno.test("policyDeliveries() begins nothing new while the map is full, and goes on when there is room", async () => {
  // Every second record fails, so that each finished one is a run of its own.
  let isUp = false;
  const many = Array.from({ length: 2000 }, (_, index) => keyed(index + 1, `key-${index + 1}`));
  const bed = startPolicy(
    { ...parallel, errors: { retry: { delay: () => 10_000 } } },
    ({ records: [record] }) => {
      if (!isUp && Number(record?.sequenceNumber) % 2 === 1) throw new Error("not yet");
    },
    { checkpoints: "auto" },
  );
  bed.retrieval.feed(pageOf(many));
  await bed.clock.advance(5000);
  const begun = bed.calls.length;
  assertEquals(begun > 200 && begun < 700, true, `${begun} calls`);
  assertEquals((bed.held.lease.finishedAhead ?? "").length <= 1024, true);
  await bed.clock.advance(4000);
  assertEquals(bed.calls.length, begun);
  isUp = true;
  await bed.clock.advance(60_000);
  assertEquals(bed.held.lease.checkpoint, positionAt("2000"));
  bed.held.lose();
  await bed.end;
});

Deno.test("policyDeliveries() stores what is finished ahead of LATEST, and not where LATEST is", async () => {
  const lease = leaseWith({ checkpoint: positionAt("LATEST"), latestEpochMs: 7 });
  const bed = startPolicy({ ...parallel, errors: noPause }, ({ records: [record] }) => {
    if (record?.sequenceNumber === "1") throw new Error("not yet");
  }, { checkpoints: "auto", lease });
  bed.retrieval.feed(pageOf(ten()));
  await bed.clock.advance(2000);
  assertEquals(bed.held.lease.checkpoint, positionAt("LATEST"));
  assertEquals(bed.held.lease.finishedAhead?.split(" ").slice(2), ["LATEST", "1", "BJ"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("policyDeliveries() notes for the lease what was processed, and a page without records once nothing waits", async () => {
  let isFailing = true;
  const bed = startPolicy({ errors: noPause }, () => {
    if (isFailing) throw new Error("not yet");
  });
  const empty = { ...pageOf([]), millisBehindLatest: 0 };
  bed.retrieval.feed(pageOf([keyed(1, "a"), keyed(2, "b")]), empty);
  await bed.settle();
  assertEquals(bed.held.noted, [], "two records wait");
  isFailing = false;
  await bed.clock.advance(1_000_000);
  assertEquals(bed.held.noted.map(({ records }) => records), [2]);
  bed.retrieval.feed(empty);
  await bed.settle();
  assertEquals(bed.held.noted.at(-1), { records: 0, millisBehindLatest: 0, ms: 0 });
  bed.held.lose();
  await bed.end;
});

/**
 * What AWS's own library for Node.js does under kclite, whichever runtime it runs on.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { type RealBed, startReal } from "./real_bed.ts";

const SHARD = "shardId-000000000000";

/** Registers the tests. `command` starts `children/aws_kcl_app.mjs`; it is asked for at each test. */
export function testAwsKcl(runtime: string, command: () => Promise<string>): void {
  Deno.test(`aws-kcl on ${runtime} processes a shard to its end (promises 16, 17, 24; trap 9)`, async () => {
    using bed = startReal(await command());
    bed.retrieval.feed(pageOf([recordWith("4961", "cat"), recordWith("4962", "dog")]), pageOf([], []));
    assertEquals(await bed.end, "completed");
    assertEquals(notesOf(bed), [
      ["initialize", { shardId: SHARD, sequenceNumber: "TRIM_HORIZON", subSequenceNumber: 0 }],
      ["records", 0, ["cat", "dog"]],
      ["checkpointed", null, "4962"],
      ["shardEnded"],
      ["checkpointed", null],
    ]);
    assertEquals(bed.held.stored, [positionAt("4962"), SHARD_END]);
    assertStringIncludes(bed.notices.join("\n"), "stdout: noise on stdout");
    assertStringIncludes(bed.notices.join("\n"), "ended with exit code 0");
  });

  Deno.test(`aws-kcl on ${runtime} checkpoints when the worker stops, then hears that its lease is gone (trap 20)`, async () => {
    using bed = startReal(await command());
    bed.retrieval.feed(pageOf([recordWith("4961")]));
    await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
    bed.held.draining.abort();
    assertEquals(await bed.end, "drained");
    assertEquals(notesOf(bed).slice(-3), [["shutdownRequested"], ["checkpointed", null, null], [
      "leaseLost",
    ]]);
  });

  Deno.test(`aws-kcl on ${runtime} calls a legacy program's shutdown with TERMINATE or ZOMBIE (promises 22, 23)`, async () => {
    using ended = startReal(`${await command()} v1`);
    ended.retrieval.feed(pageOf([recordWith("4961")], []));
    assertEquals(await ended.end, "completed");
    assertEquals(notesOf(ended).slice(-2), [["shutdown", "TERMINATE"], ["checkpointed", null]]);

    using lost = startReal(`${await command()} v1`);
    await lost.until("the child", () => notesOf(lost).length === 1);
    lost.held.lose();
    assertEquals(await lost.end, "lost");
    assertEquals(notesOf(lost).slice(-1), [["shutdown", "ZOMBIE"]]);
  });

  Deno.test(`aws-kcl on ${runtime} dies when its program throws: the shard restarts, its records come again (promise 21)`, async () => {
    using bed = startReal(`${await command()} throw`);
    for (const [index, pauseMs] of [500, 1000].entries()) {
      bed.retrieval.feed(pageOf([recordWith("4961", "cat")]));
      await bed.until("a restart", () => eventsOf(bed.events, "processorRestarting").length === index + 1);
      await bed.clock.advance(pauseMs);
    }
    assertEquals(notesOf(bed).filter(([what]) => what === "records").length, 2);
    assertEquals(bed.held.stored, []);
    assertStringIncludes(bed.failures.join(), 'ended with exit code 1 during "processRecords"');
    bed.held.draining.abort();
    await bed.end;
  });
}

/** What the program noted so far. */
function notesOf(bed: RealBed): unknown[][] {
  return bed.stderr().split("\n").filter((line) => line.startsWith('["')).map((line) => JSON.parse(line));
}

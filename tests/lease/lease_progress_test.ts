import { assert, assertEquals } from "@std/assert";
import { type Lease, progressOf } from "../../src/lease/lease.ts";
import { progressIn, progressText } from "../../src/lease/lease_progress.ts";
import { markIn } from "../../src/lease/incarnation.ts";
import {
  assign,
  checkpoint,
  evict,
  prepareCheckpoint,
  renew,
  setChildShardIds,
} from "../../src/lease/lease_write.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";
import { leaseWith } from "./fixtures.ts";

const PROGRESS = { lagMs: 4200, recordsPerSecond: 490.5 };
const OWN = markIn("me/7/aa/0");

Deno.test("progressText() is short whatever the figures, and progressIn() reads it", () => {
  assertEquals(progressText({ lagMs: 4200.4, recordsPerSecond: 490.46 }), "4200/490.5");
  assertEquals(progressText({ lagMs: 0, recordsPerSecond: undefined }), "0/");
  assertEquals(progressText({ lagMs: undefined, recordsPerSecond: 0 }), "/0");
  assertEquals(progressText({ lagMs: undefined, recordsPerSecond: undefined }), undefined);
  assertEquals(progressText({ lagMs: -1, recordsPerSecond: NaN }), undefined);
  const figure = fc.option(fc.oneof(fc.nat(), fc.double()), { nil: undefined });
  fc.assert(
    fc.property(figure, figure, (lagMs, recordsPerSecond) => {
      const text = progressText({ lagMs, recordsPerSecond });
      if (text === undefined) return;
      assert(text.length < 32, text);
      const read = progressIn(text);
      assert(read !== undefined, text);
      assertEquals(progressText(read), text);
    }),
    seeded(),
  );
});

Deno.test("progressIn() makes nothing of what others wrote", () => {
  for (
    const text of [
      "",
      "/",
      "7",
      "-1/2",
      "1/2/3",
      "1e3/",
      "4200/490.55",
      "a/b",
      " 1/2",
      "1/.5",
      `${"9".repeat(14)}/`,
    ]
  ) {
    assertEquals(progressIn(text), undefined, text);
  }
  assertEquals(progressIn("4200/490.5"), PROGRESS);
});

Deno.test("progressOf() believes the owner's last write alone, of a shard that has not ended", () => {
  const lease = leaseWith({ mark: OWN, progress: PROGRESS });
  const read = (changes: Partial<Lease>) => progressOf({ ...lease, ...changes });
  assertEquals(read({}), PROGRESS);
  assertEquals(
    read({ leaseOwner: "next", checkpointOwner: "me" }),
    PROGRESS,
    "in a handoff the former owner works",
  );
  assertEquals(read({ leaseCounter: 1 }), undefined, "Java wrote last");
  assertEquals(read({ mark: undefined }), undefined);
  assertEquals(read({ leaseOwner: "other" }), undefined, "a leader wrote last");
  assertEquals(read({ leaseOwner: undefined }), undefined);
  assertEquals(read({ checkpoint: SHARD_END }), undefined);
});

Deno.test("withProgress() adds to heartbeats, leaves nothing of another owner or an ended shard, and changes no other write", () => {
  const at = positionAt("9");
  const fresh = leaseWith(), known = leaseWith({ progress: { lagMs: 1, recordsPerSecond: 1 } });
  for (const write of [renew(fresh, 3), checkpoint(fresh, at), prepareCheckpoint(fresh, at)]) {
    const { set } = withProgress(write, fresh, PROGRESS);
    assertEquals(set, { ...write.set, kcliteProgress: "4200/490.5" }, write.operation);
    assertEquals(withProgress(write, fresh, undefined), write, write.operation);
    for (const nothing of [undefined, { lagMs: undefined, recordsPerSecond: undefined }]) {
      const removing = withProgress(write, known, nothing);
      assertEquals(removing, { ...write, remove: [...write.remove, "kcliteProgress"] }, write.operation);
    }
  }
  const end = checkpoint(known, SHARD_END);
  assertEquals(withProgress(end, known, PROGRESS).remove.at(-1), "kcliteProgress");
  const ended = leaseWith({ ...known, checkpoint: SHARD_END });
  assertEquals(withProgress(renew(ended), ended, PROGRESS).remove, ["kcliteProgress"]);
  for (const write of [assign(known, "other"), evict(known), setChildShardIds(known, ["a"])]) {
    assertEquals(withProgress(write, known, PROGRESS), write, write.operation);
  }
});

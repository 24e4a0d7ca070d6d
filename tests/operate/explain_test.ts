/** Why a shard is being read, or is not. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import cases from "../cases/explain.json" with { type: "json" };
import { sentencesOf } from "../../src/command/operate/explain_text.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { type ExplainInput, type ExplainReason, explanationOf } from "../../src/operate/explain.ts";
import { lookToExplain } from "../../src/operate/explain_look.ts";
import { leaseNamed } from "../../src/operate/change/lease_name.ts";
import type { ShardProbe } from "../../src/operate/shard_probe.ts";
import type { TableLook } from "../../src/operate/table_look.ts";
import { leaseOf, newLease, shardsOf, type ShortLease, type ShortShard } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

interface Case {
  readonly comment: string;
  readonly leases: readonly ShortLease[];
  /** At the first look. @default one less than at the second */
  readonly counters?: Readonly<Record<string, number>>;
  /** Ages in s. @default a and b report, x does not any more */
  readonly reports?: Readonly<Record<string, number>>;
  readonly draining?: readonly string[];
  /** @default a */
  readonly leader?: string | null;
  /** @default those of the leases; null: not to be listed */
  readonly shards?: readonly ShortShard[] | null;
  readonly probe?: ShardProbe;
  readonly maxLeasesForWorker?: number;
  /** Which lease. @default the first */
  readonly name?: string;
  readonly shard?: string;
  readonly unknown?: string;
  /** Whether the leases may not be read. */
  readonly refused?: boolean;
  readonly reason: string;
  readonly says: string;
}

const CASES = cases as unknown as readonly Case[];

const EPOCH_MS = Date.UTC(2026, 0, 30, 12);
const REFUSAL = new AwsServiceError({
  service: "dynamodb",
  operation: "Scan",
  code: "AccessDeniedException",
  status: 400,
  retryable: false,
  requestId: undefined,
  detail: "not allowed",
  body: undefined,
});

function inputOf(given: Case): ExplainInput {
  const { leases, counters = {}, reports = { a: 5, b: 5, x: 300 }, draining = [], leader = "a" } = given;
  const lock = leader === null
    ? undefined
    : { ownerName: leader, leaseDurationMs: 120_000, recordVersionNumber: "v", isReleased: false };
  const now: TableLook = {
    tableName: "app",
    description: undefined,
    place: "leaseTable",
    migrations: [],
    leases: leases.map(leaseOf),
    workers: Object.entries(reports).map(([workerId, ageS]) => ({
      workerId,
      lastUpdateEpochS: EPOCH_MS / 1000 - ageS,
      stats: {},
      operatingRange: {},
      supportCode: 1,
      supportEpochS: 0,
      ...(draining.includes(workerId) ? { drainingSinceEpochS: 1 } : {}),
    })),
    unreadable: [],
    lock,
    startedMs: 4000,
    startedEpochMs: EPOCH_MS,
    failures: given.refused ? [{ part: "leases", error: REFUSAL, missingAction: "dynamodb:Scan" }] : [],
  };
  const shards = given.shards === undefined
    ? leases.map(({ key }, at) => ({ id: key, from: at, to: at + 1 }))
    : given.shards;
  return {
    subject: given.unknown !== undefined
      ? { type: "unknown", name: given.unknown }
      : given.shard !== undefined
      ? { type: "shard", shardId: given.shard }
      : { type: "lease", leaseKey: given.name ?? leases[0]?.key ?? "" },
    before: {
      startedMs: 0,
      lock,
      counters: new Map(leases.map(({ key, counter = 0 }) => [key, counters[key] ?? counter - 1])),
    },
    now,
    stream: {
      stream: { streamName: "words", streamArn: undefined },
      streamIdentifier: undefined,
      shards: shards === null ? undefined : shardsOf(shards, 4),
      retentionMs: 24 * 3_600_000,
      creationEpochS: undefined,
    },
    probe: given.probe,
    maxLeasesForWorker: given.maxLeasesForWorker,
    nearest: leases.map(({ key }) => key),
    notRead: [],
  };
}

Deno.test("explanationOf() and sentencesOf() give the first reason that holds (explain.json)", () => {
  for (const given of CASES) {
    const explanation = explanationOf(inputOf(given));
    assertEquals(explanation.reason, given.reason, given.comment);
    const text = sentencesOf(explanation, given.unknown ?? "").join(" ");
    assert(text.includes(given.says), `${given.comment}: ${text}`);
  }
});

Deno.test("explain.json has each reason", () => {
  const reasons: Readonly<Record<ExplainReason, true>> = {
    beingRead: true,
    checkpointTrimmed: true,
    handoffPending: true,
    waitsForParents: true,
    ownerGone: true,
    assignedNotBegun: true,
    unassigned: true,
    noLeader: true,
    noLiveWorker: true,
    noRoom: true,
    finished: true,
    shardGone: true,
    leaseComesLater: true,
    leaseMissing: true,
    closedWithoutLease: true,
    noSuchLease: true,
    notSeen: true,
  };
  assertEquals([...new Set(CASES.map(({ reason }) => reason))].sort(), Object.keys(reasons).sort());
});

Deno.test("explanationOf() takes no lease for lost because of a lock that may not be read", () => {
  const [free] = CASES.filter(({ reason }) => reason === "noLeader");
  assert(free !== undefined);
  const input = inputOf(free);
  const failures = [{ part: "lock" as const, error: REFUSAL, missingAction: "dynamodb:GetItem" }];
  const explanation = explanationOf({ ...input, now: { ...input.now, failures } });
  assertEquals(explanation.reason, "unassigned");
  assertStringIncludes(sentencesOf(explanation, "").join(" "), "The leader gives it to");
});

const never = new AbortController().signal;

async function explained(bed: OperateBed, name: string) {
  const options = { name, betweenMs: 4000, initialTimestampMs: undefined, maxLeasesForWorker: undefined };
  return explanationOf(await lookToExplain(bed.fleet, options, leaseNamed, never));
}

Deno.test("lookToExplain() finds leases by the end of their key, and shards without a lease", async () => {
  const bed = new OperateBed({ streams: { words: 3 } });
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "a");
  assertEquals((await explained(bed, "0000")).facts.leaseKey, "shardId-000000000000");
  assertEquals((await explained(bed, "0001")).reason, "leaseMissing");
  const none = await explained(bed, "xyz-0000");
  assertEquals([none.reason, none.facts.nearest], ["noSuchLease", ["shardId-000000000000"]]);
  await bed.lease(newLease("shardId-000000000010"), "a");
  assertEquals((await explained(bed, "99010")).facts.nearest[0], "shardId-000000000010");
  await bed.lease(newLease("shardId-100000000000"), "a");
  for (const [name, message] of [["0000", "got 2"], ["", "expected the end"]] as const) {
    const error = await explained(bed, name).then(() => undefined, (error) => error);
    if (name === "") assertEquals(error, undefined);
    else assertStringIncludes(String(error), message);
  }
});

Deno.test("lookToExplain() explains a lease of one stream among many", async () => {
  const bed = new OperateBed({ streams: { words: 1, more: 1 } });
  await bed.table();
  const key = (name: string) => `000000000000:${name}:1700000000:shardId-000000000000`;
  for (const name of ["words", "more"]) {
    const streamIdentifier = `000000000000:${name}:1700000000`;
    await bed.lease(newLease("shardId-000000000000", { leaseKey: key(name), streamIdentifier }), "a");
  }
  const explanation = await explained(bed, "more:1700000000:shardId-000000000000");
  assertEquals([explanation.reason, explanation.facts.leaseKey], ["ownerGone", key("more")]);
  assertEquals(explanation.facts.behindMs, 0);
});

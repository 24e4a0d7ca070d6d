/**
 * What an operator's commands show of a fleet, and what becomes of its positions: a reset and a clone of Java's leases, and of
 * kclite's, with workers of the same kind before and after.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { actualOwner } from "../../../src/lease/lease.ts";
import { seconds } from "./checks.ts";
import { beforeParents, duplicates, type Line, overlaps } from "./deliveries.ts";
import type { Fleet, FleetWorker } from "./fleet.ts";
import { kclite } from "./operator.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";

/** How long a leader, and so `reset`, believes the last report of a worker that is gone, in ms. */
const FRESH_REPORT_MS = 61_000;

/**
 * A fleet of one kind. Its workers need not run yet; those of other names are stopped first.
 *
 * @param ids Its workers. Two more are started later.
 */
export function positions(
  fleet: Fleet,
  kind: FleetWorker["kind"],
  ids: readonly [string, string],
): Scenario[] {
  const name = kind === "java" ? "Java" : "kclite";
  const third = `${kind.charAt(0)}3`, fourth = `${kind.charAt(0)}4`;
  /** Lines from here on are those of workers after the reset. */
  let mark = 0;
  /** Where the reset went to, in epoch ms. */
  let atMs = 0;
  return [
    {
      name: `14 kclite describe and explain show owners, renewals and the leader of a ${name} fleet`,
      async run() {
        await onlyThese(fleet, kind, ids);
        const { leader, workers, leases } = await described(fleet);
        assertEquals(leader, { ...leader, workerId: await fleet.leader(), isRenewed: true });
        assertEquals(
          workers.filter(({ state }) => state === "reports").map(({ workerId }) => workerId).sort(),
          [
            ...ids,
          ],
        );
        const owners = new Map((await fleet.leases()).map((lease) => [lease.leaseKey, actualOwner(lease)]));
        assertEquals(new Map(leases.map(({ leaseKey, owner }) => [leaseKey, owner])), owners);
        const moved = leases.map(({ counterMoved }) => counterMoved);
        assertEquals(leases.map(({ state }) => state), leases.map(() => "held"));
        assert(moved.every((count) => count > 0), `counters moved by ${moved}`);
        for (const { leaseKey, owner } of leases) {
          const { code, stdout, stderr } = await kclite(fleet, "explain", leaseKey, "--json");
          const { reason, sentences } = JSON.parse(stdout || "{}");
          assertEquals([code, reason], [0, "beingRead"], stdout + stderr);
          assertEquals(sentences[0], `${leaseKey} is being read by ${owner}.`);
        }
        return `${leader.workerId} leads, ${leases.length} leases held, counters moved by ${moved}`;
      },
    },
    {
      name: `14 kclite reset takes stopped ${name} workers back to a time, across a split`,
      async run() {
        const parent = (await fleet.stream.openShards())[0];
        assert(parent !== undefined);
        await pause(3000);
        atMs = Date.now();
        await pause(3000);
        await fleet.stream.split(parent);
        const hasEnded = () =>
          fleet.lines.some((line) => line.event === "shardEnded" && line.shardId === parent.shardId);
        await fleet.eventually("the shard that was split has ended", hasEnded, { limitMs: 30_000 });
        await Promise.all(ids.map((id) => fleet.untilFlowing(id, 30_000)));
        const running = await reset(fleet, atMs, "--execute");
        assertEquals(running.code, 1, running.stdout + running.stderr);
        assertMatch(running.stdout, /Refused: the application is running/);
        for (const id of ids) await fleet.end(id, "SIGTERM");
        const stoppedMs = Date.now();
        await pause(1000);
        const before = await fleet.items();
        const dry = await reset(fleet, atMs);
        assertEquals(dry.code, 0, dry.stdout + dry.stderr);
        assertMatch(dry.stdout, /Nothing is written yet/);
        assertEquals(await fleet.items(), before, "without --execute nothing is written");
        const refusals = await untilQuiet(fleet, stoppedMs);
        const done = await reset(fleet, atMs, "--execute");
        assertEquals(done.code, 0, done.stdout + done.stderr);
        mark = fleet.lines.length;
        const replayed = [...fleet.puts.values()].filter(({ fromMs }) => fromMs >= atMs).length;
        await fleet.start(kind, third);
        await fleet.untilFlowing(third, 60_000);
        const ms = await untilDeliveredFrom(fleet, mark, atMs);
        const lines = fleet.lines.slice(mark);
        assertNoneFromBefore(fleet, lines, atMs);
        assertOrderly(lines);
        assertEquals(
          beforeParents(lines, (await fleet.shards()).filter(({ parentShardId }) => parentShardId)),
          [],
        );
        assertEquals(fleet.troubles().slice(0, 5), []);
        return `${refusals}; ${replayed} records from then on are delivered again, none from before, ${
          seconds(ms)
        } after ${third} reads; ${/Wrote .*? leases?/.exec(done.stdout)?.[0]}`;
      },
    },
    {
      name: `14 kclite clone gives the positions of a ${name} fleet to an application that goes on there`,
      async run() {
        const as = `${fleet.target.name}-copy`;
        await fleet.end(third, "SIGTERM");
        const old = fleet.lines.slice(mark), since = fleet.lines.length;
        const before = await fleet.items();
        const dry = await kclite(fleet, "clone", "--as", as);
        assertEquals(dry.code, 0, dry.stdout + dry.stderr);
        const done = await kclite(fleet, "clone", "--as", as, "--execute", "--json");
        assertEquals(done.code, 0, done.stdout + done.stderr);
        const { written } = JSON.parse(done.stdout);
        assertEquals(await fleet.items(), before, "the old application is only read");
        await fleet.start(kind, fourth, { application: as });
        await fleet.untilFlowing(fourth, 60_000);
        await untilDeliveredFrom(fleet, mark, atMs);
        const own = fleet.lines.slice(since);
        assertOrderly(own);
        const had = new Set(textsOf(old));
        assertEquals(textsOf(own).filter((text) => had.has(text)), [], "nothing is repeated");
        assertEquals(fleet.troubles().slice(0, 5), []);
        const again = await kclite(fleet, "clone", "--as", as, "--execute");
        assertEquals(again.code, 1, again.stdout + again.stderr);
        return `${written.length} leases; ${fourth} goes on after ${had.size} records of ${third}: none lost, none repeated`;
      },
    },
  ];
}

/** What is used of `describe --json`. */
interface Described {
  readonly leader: { readonly workerId: string; readonly isRenewed: boolean };
  readonly workers: readonly { readonly workerId: string; readonly state: string }[];
  readonly leases: readonly {
    readonly leaseKey: string;
    readonly owner: string;
    readonly state: string;
    readonly counterMoved: number;
  }[];
}

async function described(fleet: Fleet): Promise<Described> {
  const { code, stdout, stderr } = await kclite(fleet, "describe", "--json");
  assertEquals(code, 0, stdout + stderr);
  return JSON.parse(stdout);
}

/** Stops all other workers, and starts those of these that do not run. */
async function onlyThese(fleet: Fleet, kind: FleetWorker["kind"], ids: readonly string[]): Promise<void> {
  const running = new Set(fleet.workers.filter(({ endedAt }) => endedAt === undefined).map(({ id }) => id));
  for (const id of ids) if (!running.has(id)) await fleet.start(kind, id);
  for (const id of running) if (!ids.includes(id)) await fleet.end(id, "SIGTERM");
  for (const id of running) if (ids.includes(id)) await kclite(fleet, "drain", id, "--cancel");
  await fleet.untilOwned(Object.fromEntries(ids.map((id) => [id, 1])), 90_000);
  await Promise.all(ids.map((id) => fleet.untilFlowing(id, 30_000)));
}

function reset(fleet: Fleet, atMs: number, ...flags: readonly string[]): ReturnType<typeof kclite> {
  return kclite(fleet, "reset", "--to", new Date(atMs).toISOString(), ...flags);
}

/** Java leaves its reports behind: they are believed for a while, and so long a reset is refused. @returns what was seen. */
async function untilQuiet(fleet: Fleet, stoppedMs: number): Promise<string> {
  const { workers } = await described(fleet);
  if (!workers.some(({ state }) => state === "reports")) return "at once after their end";
  const before = await fleet.items();
  const refused = await reset(fleet, Date.now() - 1000, "--execute");
  assertEquals(refused.code, 1, refused.stdout + refused.stderr);
  assertMatch(refused.stdout, /stop it, or wait \d+ s if it has died/);
  assertEquals(await fleet.items(), before, "what is refused writes nothing");
  await pause(stoppedMs + FRESH_REPORT_MS - Date.now());
  return "refused until their last reports were 60 s old";
}

/** Waits until all that was put from a time on has come since a line. */
async function untilDeliveredFrom(fleet: Fleet, mark: number, atMs: number): Promise<number> {
  const wanted = [...fleet.puts].filter(([, { fromMs }]) => fromMs >= atMs).map(([text]) => text);
  const missing = () => {
    const seen = new Set(textsOf(fleet.lines.slice(mark)));
    return wanted.filter((text) => !seen.has(text));
  };
  return await fleet.eventually(
    `${wanted.length} records are delivered again`,
    () => missing().length === 0,
    {
      limitMs: 60_000,
      state: () => `missing ${missing().length}: ${missing().slice(0, 10)}`,
    },
  );
}

function assertNoneFromBefore(fleet: Fleet, lines: readonly Line[], atMs: number): void {
  const older = textsOf(lines).filter((text) => (fleet.puts.get(text)?.toMs ?? Infinity) < atMs);
  assertEquals(older, [], "no record from before the time");
}

function assertOrderly(lines: readonly Line[]): void {
  assertEquals(duplicates(lines), [], "no record comes twice after it");
  assertEquals(overlaps(lines), [], "one owner at a time");
}

function textsOf(lines: readonly Line[]): string[] {
  return lines.filter(({ event }) => event === "record").map(({ text }) => `${text}`);
}

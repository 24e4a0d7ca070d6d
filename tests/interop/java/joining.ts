/**
 * Java beside what kclite does of its own at the leader's lock: a worker that is alone looks seldom, and one that joins rings.
 * Java neither rings nor knows rings: it joins a worker at rest, and takes over, renews and gives back a lock with a ring.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import {
  assertClean,
  assertNoneRepeated,
  counts,
  handoffsTo,
  looksSince,
  seconds,
  untilLeader,
} from "./checks.ts";
import { duplicates } from "./deliveries.ts";
import type { Fleet } from "./fleet.ts";
import { pause } from "./processes.ts";
import { javaTakeoverMs } from "./scenarios.ts";
import type { Scenario } from "./report.ts";
import type { TappedWrite } from "./tap.ts";

/** What a look, its answer and a write may take on a busy machine, in ms. */
const SLACK_MS = 2000;

/** kclite alone; Java joins, and the lock changes hands with a ring on it. Needs 4 shards. */
export function joining(fleet: Fleet): Scenario[] {
  const failoverTimeMs = Number(fleet.target.failoverTimeMs);
  return [
    {
      name: "15 a kclite worker is alone and looks seldom, a Java worker joins",
      async run() {
        await fleet.start("kclite", "k1");
        await fleet.untilFlowing("k1", 30_000);
        await fleet.untilOwned({ k1: 4 }, 20_000);
        // It rests once it has been alone for a failover time.
        await pause(2 * failoverTimeMs);
        const restedFrom = Date.now();
        await pause(3 * failoverTimeMs);
        const { Scan: looks = 0, Query: searches = 0 } = looksSince(fleet, restedFrom);
        assertGreater(looks, 0, "it looks at the table");
        assertLessOrEqual(looks, 4, "it looks once a failover time");
        assertLessOrEqual(searches, 1, "it asks the index once in six failover times");
        const startedAt = Date.now();
        await fleet.start("java", "j1");
        await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilFlowing("j1", 20_000);
        const reportedAt = firstWrite(fleet, "java", "create WORKER_METRIC_STATS").at;
        const givenAt = firstWrite(fleet, "kclite", "LEASE: start handoff").at;
        assertLessOrEqual(givenAt - reportedAt, failoverTimeMs + SLACK_MS, "ms from report to handoff");
        const readAt = fleet.records.find(({ worker }) => worker === "j1")?.at ?? NaN;
        await fleet.untilDelivered(20_000);
        assertEquals(await fleet.leader(), "k1");
        assertClean(fleet, { duplicates: 0 });
        return `${looks} looks in ${seconds(3 * failoverTimeMs)}; Java reports after ` +
          `${seconds(reportedAt - startedAt)}, its first handoff begins ${seconds(givenAt - reportedAt)} ` +
          `later, its first record comes ${seconds(readAt - startedAt)} after its start, ${counts(fleet)}`;
      },
    },
    {
      name: "15 a second kclite worker has rung, both are killed, Java takes over the lock with the ring",
      async run() {
        await fleet.start("kclite", "k2");
        await fleet.untilOwned({ k1: 1, j1: 1, k2: 1 }, 30_000);
        await fleet.untilFlowing("k2", 20_000);
        await untilRung(fleet);
        assertEquals(await fleet.leader(), "k1");
        await Promise.all([fleet.end("k1", "SIGKILL"), fleet.end("k2", "SIGKILL")]);
        const ms = await untilLeader(fleet, "j1", 30_000);
        const ownsMs = await fleet.untilOwned({ j1: 4 }, javaTakeoverMs);
        await fleet.untilDelivered(javaTakeoverMs);
        const take = firstWrite(fleet, "java", "take LEADER");
        assert(hasRing(take.before), "the lock that Java took had a ring");
        assertClean(fleet, { duplicates: "after a kill" });
        return `Java leads after ${seconds(ms)}, ${hasRing(take.after) ? "keeps" : "drops"} the ring, ` +
          `owns all after ${seconds(ms + ownsMs)}, ${counts(fleet)}`;
      },
    },
    {
      name: "15 a kclite worker rings at Java's lock, which Java renews with the ring and gives back",
      async run() {
        const before = duplicates(fleet.lines).length;
        await fleet.start("kclite", "k3");
        await fleet.untilOwned({ k3: 1, j1: 0 }, 60_000);
        await fleet.untilFlowing("k3", 20_000);
        await untilRung(fleet);
        const isRenewed = () =>
          fleet.writes.filter(({ by, name, before, after }) =>
            by === "java" && name === "heartbeat LEADER" && hasRing(before) && hasRing(after)
          ).length;
        await fleet.eventually("Java renews its lock", () => isRenewed() >= 10, { limitMs: 40_000 });
        assertEquals(await fleet.leader(), "j1");
        await fleet.end("j1", "SIGTERM");
        const ms = await untilLeader(fleet, "k3", 20_000);
        await fleet.untilOwned({ k3: 4 }, 60_000);
        await fleet.untilDelivered(20_000);
        assertNoneRepeated(fleet, before);
        assertClean(fleet, { duplicates: "after a kill" });
        return `renewed ${isRenewed()} times; kclite leads ${seconds(ms)} after the stop, ${counts(fleet)}`;
      },
    },
    {
      name: "15 the leader kclite is frozen for longer than its lock lasts, Java leads, kclite gives way",
      async run() {
        await fleet.start("java", "j2");
        await fleet.untilOwned({ k3: 2, j2: 2 }, 90_000);
        await fleet.untilFlowing("j2", 20_000);
        const frozen = fleet.workers.find(({ id }) => id === "k3");
        frozen?.program.signal("SIGSTOP");
        let ms: number;
        try {
          ms = await untilLeader(fleet, "j2", 30_000);
        } finally {
          frozen?.program.signal("SIGCONT");
        }
        const thawedAt = Date.now();
        await fleet.untilOwned({ k3: 0, j2: 1 }, javaTakeoverMs);
        await fleet.untilFlowing("j2", 20_000);
        await fleet.untilDelivered(javaTakeoverMs);
        const led = fleet.writes.filter(({ by, at, name }) =>
          by === "kclite" && at >= thawedAt && ofLeaders.test(name)
        );
        assertEquals(led.map(({ name, key }) => `${name} ${key}`), [], "no write of a leader that was");
        assertEquals(await fleet.leader(), "j2");
        assertClean(fleet, { duplicates: "after a kill" });
        return `Java leads after ${seconds(ms)}, ${handoffsTo(fleet, "k3").length} handed over, ${
          counts(fleet)
        }`;
      },
    },
  ];
}

/** What only a leader writes. */
const ofLeaders = /LEADER$|^LEASE: (?:assign|start handoff)/;

/** @throws when nobody of that kind has written so yet. */
function firstWrite(fleet: Fleet, by: TappedWrite["by"], name: string): TappedWrite {
  const write = fleet.writes.find((write) => write.by === by && write.name === name);
  assert(write !== undefined, `${by} has written: ${name}`);
  return write;
}

async function untilRung(fleet: Fleet): Promise<void> {
  await fleet.eventually("the lock has a ring", async () => {
    const items = await fleet.items();
    return items.some(({ ownerName, kcliteRing }) => ownerName !== undefined && kcliteRing !== undefined);
  }, { limitMs: 10_000 });
}

function hasRing(item: TappedWrite["before"]): boolean {
  return item?.kcliteRing !== undefined;
}

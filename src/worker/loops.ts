/**
 * What a running worker does again and again: takes part in its fleet, looks for streams and for leases,
 * cleans up.
 *
 * @module
 */

import { loop, type LoopOptions, type PassResult } from "../async/loop.ts";
import type { TaskGroup } from "../async/task_group.ts";
import type { WorkerEventListener } from "../events.ts";
import type { Streams } from "../fleet/streams.ts";
import { restingDiscoveryMs } from "../lease/solitude.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { Clock } from "../system.ts";
import { leaveStep } from "./leaving.ts";
import type { Team } from "./team.ts";

/** What the loops go by. */
export interface LoopsOptions {
  readonly settings: Pick<WorkerSettings, "finding" | "syncing" | "leasing" | "cleaning">;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
  /** Owns the loops. A loop that ends before `signal` aborts fails it, and with it the worker. */
  readonly duties: TaskGroup;
}

/** Starts the loops of a team; each ends when the signal aborts, after the pass under way. */
export function startLoops(team: Team, options: LoopsOptions, signal: AbortSignal): void {
  const { settings: { finding, syncing, leasing, cleaning }, streams, clock, emit, duties } = options;
  const { identity, member, keeper, cleaner, streaks, discovery } = team;
  const runOn = (name: string, task: () => Promise<void>) =>
    duties.run(async () => {
      await task();
      if (!signal.aborted) throw new Error(`The loop "${name}" of the worker has ended by itself`);
    });
  const run = (
    timing: Omit<LoopOptions, "clock" | "emit">,
    work: (signal: AbortSignal) => Promise<PassResult>,
  ) => runOn(timing.pass, () => loop({ ...timing, clock, emit }, work, signal));

  runOn("fleet", async () => {
    await member.run(signal);
    if (!identity.superseded.aborted) return;
    const reason = "a newer process has this worker's name";
    await leaveStep({ clock, emit }, (limited) => member.release(reason, limited));
  });
  if (finding.streams.mode === "many") {
    run({ pass: "streams", intervalMs: syncing.newStreamCheckIntervalMs }, async (signal) => {
      if (!await streams.refresh(signal)) return;
      member.assignSoon();
      streaks.keep((leaseKey) => streams.isTracked(leaseKey));
    });
  }
  run(
    { pass: "discovery", intervalMs: leasing.leaseDiscoveryIntervalMs, bell: discovery },
    async (signal) => {
      const shown = member.attention?.takeShownKeys();
      if (shown === undefined) await keeper.discover(signal);
      else await keeper.discoverAmong(shown, signal);
      const { failoverTimeMs, leaseDiscoveryIntervalMs } = leasing;
      if (member.attention?.isResting) return restingDiscoveryMs(failoverTimeMs, leaseDiscoveryIntervalMs);
      return member.attention?.lookPatienceMs;
    },
  );
  run(
    { pass: "cleanup", intervalMs: cleaning.leaseCleanupIntervalMs },
    (signal) => cleaner.cleanUp(keeper.held, signal),
  );
}

/**
 * What must hold for the health that workers report. A fleet that does not read an open shard is not healthy,
 * and a fleet that is in order is healthy.
 *
 * Judged only while nothing happens to the workers: who has just started, or has just been paused, cannot
 * know yet.
 *
 * @module
 */

import { healthLimits, healthOf } from "../../observe/verdict.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import type { History } from "./history.ts";
import type { LeaseRules } from "./lease_rules.ts";
import type { Member } from "./simulated_fleet.ts";
import type { SimulatedShard } from "../model/simulated_stream.ts";
import type { SimulatedStreams } from "./simulated_streams.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the rules look at. */
export interface HealthRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  readonly streams: SimulatedStreams;
  readonly leases: LeaseRules;
  readonly failoverTimeMs: number;
  readonly leaseAuditIntervalMs: number;
  /** From when on shards can be listed, in virtual ms: until then the fault is that they cannot. */
  readonly listableFromMs: number;
}

/**
 * How long a fleet may take to notice an unread shard, in ms. That is the next leader's lock, three audits,
 * and the pauses of workers that have failed as leaders.
 */
export function noticeMs(
  { failoverTimeMs, leaseAuditIntervalMs }: Pick<
    HealthRulesOptions,
    "failoverTimeMs" | "leaseAuditIntervalMs"
  >,
): number {
  return 30_000 + 6 * failoverTimeMs + 4 * leaseAuditIntervalMs;
}

/** See the module. */
export class HealthRules {
  readonly noticeMs: number;
  readonly #options: HealthRulesOptions;
  /** Since when each open shard is unread, by lease key. */
  readonly #unreadSince = new Map<string, number>();

  constructor(options: HealthRulesOptions) {
    this.#options = options;
    this.noticeMs = noticeMs(options);
  }

  /** Looks at the whole, each second. */
  look(members: readonly Member[]): void {
    const { time, streams, history, listableFromMs } = this.#options;
    const running = members.filter(({ machine, supersededMs }) =>
      machine.state === "running" && supersededMs === undefined
    );
    const hasWitness = running.some(({ machine, startedMs }) =>
      time.nowMs - Math.max(startedMs, machine.awakeSinceMs) > this.noticeMs
    );
    for (const shard of streams.shards) {
      const { leaseKey } = shard;
      if (shard.endingSequenceNumber !== undefined || this.#leadsToIt(shard)) {
        this.#unreadSince.delete(leaseKey);
        continue;
      }
      const sinceMs = this.#unreadSince.get(leaseKey) ?? time.nowMs;
      this.#unreadSince.set(leaseKey, sinceMs);
      const isListable = time.nowMs >= listableFromMs;
      const countedMs = time.nowMs - (isListable ? Math.max(sinceMs, listableFromMs) : sinceMs);
      if (!hasWitness || countedMs <= this.noticeMs || running.some((one) => !this.isHealthy(one))) continue;
      const seconds = Math.round((time.nowMs - sinceMs) / 1000);
      history.violated(
        "unreadShardIsAFault",
        leaseKey,
        `no lease leads to it for ${seconds} s, and all are healthy`,
      );
    }
  }

  /** What a worker's `/health` says. */
  isHealthy({ totals }: Member): boolean {
    return this.faultsOf(totals).length === 0;
  }

  /** In words. */
  faultsOf(totals: Member["totals"]): readonly string[] {
    const limits = healthLimits({ failoverTimeMs: this.#options.failoverTimeMs });
    return healthOf(totals.snapshot(), limits).faults.map(({ code, text }) => `${code}: ${text}`);
  }

  /** Whether the shard has an unfinished lease, or an ancestor has. */
  #leadsToIt({ leaseKey, stream, parents }: SimulatedShard): boolean {
    const lease = this.#options.leases.leaseOf(leaseKey);
    if (lease !== undefined && !isShardEnd(lease.checkpoint)) return true;
    return parents.some((id) => {
      const parent = stream.shards.get(id);
      return parent !== undefined && this.#leadsToIt(parent);
    });
  }
}

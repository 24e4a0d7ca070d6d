/**
 * Identifies this process among all that run, or ran, under its worker's name, and knows whether it still may
 * act under that name.
 *
 * A process claims its name by writing its metrics item. Until then it goes above each incarnation that it
 * finds. So a restarted worker is newer than the one before it, whatever their clocks say. From then on its
 * incarnation is fixed, and a newer one supersedes it finally: two that took turns would deliver everything
 * twice.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { above, type Incarnation, isNewerIncarnation, lastWriter } from "../lease/incarnation.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { System } from "../system.ts";
import { forEachAtMost, WRITES_AT_ONCE } from "../async/task_group.ts";

/** What an identity is made of. */
export interface IdentityOptions {
  readonly workerId: string;
  readonly system: Pick<System, "clock" | "random">;
  readonly emit: WorkerEventListener;
}

/** See the module. */
export class Identity {
  readonly #emit: WorkerEventListener;
  readonly #superseded = new AbortController();
  #incarnation: Incarnation;
  #isClaimed = false;

  constructor({ workerId, system, emit }: IdentityOptions) {
    this.#emit = emit;
    this.#incarnation = {
      workerId,
      generation: Math.max(0, Math.floor(system.clock.epochMs())),
      nonce: nonceOf(system.random),
    };
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /**
   * Aborts, with what to do as its reason, when a newer process of this name was seen: nothing may be written
   * by name any more.
   */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  /** The name is claimed: from now on the incarnation stays as it is. */
  claim(): void {
    this.#isClaimed = true;
  }

  /**
   * Looks at which process has written to a lease. A mark that Java has left behind counts only where it can
   * do no harm.
   */
  lookAt(lease: Lease): void {
    this.see(this.#isClaimed ? lastWriter(lease) : lease.mark);
  }

  /** Looks at an incarnation that was found in the table, of whatever name. */
  see(found: Incarnation | undefined): void {
    if (found === undefined || this.superseded.aborted) return;
    const own = this.#incarnation;
    if (!this.#isClaimed) this.#incarnation = above(found, own);
    else if (isNewerIncarnation(found, own)) this.#end(found);
  }

  #end(by: Incarnation): void {
    const { workerId, generation } = this.#incarnation;
    const text = `Cannot act as worker "${workerId}": another process of this name has started: ` +
      "stop one of them, or give each a workerIdentifier of its own";
    this.#superseded.abort(new Error(text));
    this.#emit({ type: "superseded", workerId, generation, byGeneration: by.generation });
  }
}

/**
 * Looks at the leases of this name before the name is claimed: the processes that wrote to them last may
 * still run.
 *
 * @param leaseStore Passes every lease that it reads to the identity.
 */
export async function lookAtOwnLeases(
  workerId: string,
  leaseStore: LeaseStore,
  signal: AbortSignal,
): Promise<void> {
  const keys = await leaseStore.leaseKeysOwnedBy(workerId, signal);
  await forEachAtMost(keys, WRITES_AT_ONCE, async (key) => void await leaseStore.get(key, signal));
}

/** Eight hexadecimal digits: enough for processes that start in one millisecond. */
function nonceOf(random: () => number): string {
  return Math.floor(random() * 2 ** 32).toString(16).padStart(8, "0");
}

// Pure.
/**
 * What a slice may use, and what it says when it is over: types only.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { DeliveryPolicy } from "../failures/policy_option.ts";
import type { Transactions } from "../transact/transactions.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { EnhancedFanOut } from "./enhanced_fan_out.ts";

/**
 * What becomes of leases between two slices. `"hold"`: they are kept, under a failover time that spans the
 * ticks. `"relay"`: they are released at the end of each slice, and the next slice takes them. `"solo"`: this
 * is the only consumer of the application; one fence guards all of its leases.
 */
export type LeasesMode = "hold" | "relay" | "solo";

/** Options of a worker that runs in slices: those of a worker, and what becomes of leases between slices. */
export interface EdgeOptions extends WorkerOptions {
  /**
   * What becomes of leases between two slices.
   *
   * `"hold"` needs a `failoverTimeMs` of twice the time between two ticks plus the budget of a slice, or
   * more. It is the same in all workers of the application, and all of them are kclite. Beside a Java worker
   * it refuses to work. `"relay"` goes beside workers of any kind. Under another worker's lead its slice
   * lasts for the whole of its budget, unless it keeps its leases ({@linkcode SliceOptions.atEnd}). `"solo"`
   * goes beside no other worker.
   */
  leases: LeasesMode;
  /**
   * Names this worker, and with it the slice lock: slices of one name never overlap. The id of a Durable
   * Object, or a name that you choose. Two deployments that shall share the work have two names.
   */
  workerIdentifier: string;
  /** Makes the processor of a shard, in each slice anew. */
  processor: RecordProcessorFactory;
  /**
   * What `errors`, `batch`, `filter` and `concurrency` need: `policyDeliveries` of `@kclite/kclite/failures`.
   * An ordinary worker loads it by itself. Here it would be in each bundle, and it has some 16 KiB.
   *
   * @default none; a TypeError where one of those options is set
   */
  policy?: DeliveryPolicy | undefined;
  /**
   * What `retrievalMode: "FANOUT"` needs: `enhancedFanOut` of this entry point. A bundler leaves it out where
   * nobody names it; it has some 3 KiB.
   *
   * @default none; a TypeError where `retrievalMode` is "FANOUT"
   */
  fanOut?: EnhancedFanOut | undefined;
  /**
   * What `context.transact` needs: `transactions` of `@kclite/kclite/transact`. An ordinary worker loads it
   * by itself; it has some 4 KiB.
   *
   * @default none; `context.transact` throws a TypeError
   */
  transactions?: Transactions | undefined;
}

/** What one slice may use. */
export interface SliceOptions {
  /**
   * Wall time that the platform gives, in ms. At least `reserveMs` and 2000 ms more, at most an hour.
   */
  budgetMs: number;
  /**
   * How long before the end of `budgetMs` the slice is over at the latest, in ms, even if a processor or a
   * service hangs. The same time before that, a third of the rest at the most, is for stopping: processors
   * finish, checkpoints are stored, leases are kept or released.
   *
   * @default {3000}
   */
  reserveMs?: number | undefined;
  /**
   * How many requests the slice may send, each try counted. Those for stopping are part of this number.
   * Cloudflare Workers allow 50 (free) or 10,000 for a whole call, your own included.
   *
   * @default {900}
   */
  maxSubrequests?: number | undefined;
  /**
   * How many requests may wait for an answer at the same time, 1 to 100. Cloudflare Workers allow 6.
   *
   * @default {4}
   */
  maxConcurrentFetches?: number | undefined;
  /**
   * How many shards the slice reads at the most. The slice begins with the leases that it has, and takes more
   * up to this number.
   *
   * @default {8}
   */
  maxShards?: number | undefined;
  /**
   * After how many records the slice fetches no more. What was fetched is still processed.
   *
   * @default {50000}
   */
  maxRecords?: number | undefined;
  /**
   * After how many bytes of record data the slice fetches no more. What was fetched is still processed.
   *
   * @default {33554432}
   */
  maxBytes?: number | undefined;
  /**
   * What happens to the leases at the end of this slice. `"hold"` with `leases: "relay"`: the next slice must
   * renew them in time. So `budgetMs` is at most two thirds of `failoverTimeMs`, and `nextInMs` a third.
   *
   * @default "release" with `leases: "relay"`, else "hold"
   */
  atEnd?: "hold" | "release" | undefined;
  /** The platform's own end, such as SIGINT or the end of a request: the slice stops in order. */
  signal?: AbortSignal | undefined;
}

/**
 * Why a slice ended. `"caughtUp"`: each of its shards was read to its tip or its end. `"budget"`, `"records"`
 * (or bytes), `"requests"`: that limit was reached. `"busy"`: another slice of this name is at work.
 * `"stopped"`: the signal aborted, a newer process has this worker's name, or the slice could not work; its
 * failures say why.
 */
export type SliceOutcome = "caughtUp" | "budget" | "records" | "requests" | "busy" | "stopped";

/**
 * How a slice left one shard. `"caughtUp"`: at its tip. `"behind"`: there is more to read. `"ended"`: its end
 * is stored. `"waiting"`: for its parents, or it got no turn. `"lost"`: another worker has its lease.
 * `"hung"`: its processor did not return; the lease expires, and nothing more is stored.
 */
export type SliceShardState = "caughtUp" | "behind" | "ended" | "waiting" | "lost" | "hung";

/** What a slice did with one shard. */
export interface SliceShard {
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** Names the lease; the shard id, except where many streams are read. */
  readonly leaseKey: string;
  /** Records that its processor took. */
  readonly records: number;
  /** The stored checkpoint: a sequence number, `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP` or `SHARD_END`. */
  readonly checkpoint: string;
  /** How far behind the tip the last read was, in ms; undefined if none was answered. */
  readonly millisBehindLatest: number | undefined;
  /** How the slice left it. */
  readonly state: SliceShardState;
}

/** Something that went wrong in a slice. The slice went on, or its outcome is "stopped". */
export interface SliceFailure {
  /** What was being done, e.g. `"lock"`, `"leases"`, `"fetch"`. */
  readonly step: string;
  /** In one sentence, without secrets. */
  readonly text: string;
  /** What was thrown. */
  readonly error: unknown;
}

/** What a slice did. */
export interface SliceResult {
  /** Why it ended. */
  readonly outcome: SliceOutcome;
  /** When the next slice should begin, in ms from now: 0 when there is more to read. */
  readonly nextInMs: number;
  /** The shards whose leases it had. */
  readonly shards: readonly SliceShard[];
  /** How many requests were sent, each try counted. */
  readonly requests: number;
  /** What went wrong, at most 20. */
  readonly failures: readonly SliceFailure[];
}

// Pure.
/**
 * Where checkpoints are to be moved, as people say it.
 *
 * @module
 */

/** A position for many shards. */
export type TargetPosition =
  | { readonly type: "earliest" | "latest" }
  | { readonly type: "time"; readonly epochMs: number }
  /** Of one shard. */
  | { readonly type: "sequenceNumber"; readonly sequenceNumber: string };

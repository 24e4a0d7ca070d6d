/**
 * Keeps the answers that are in memory within a budget, however many shards are read: a read waits until the
 * largest answer would fit.
 *
 * @module
 */

import type { Kinesis } from "../../aws/kinesis.ts";
import type { ByteBudget } from "../../retrieval/byte_budget.ts";

/** The largest answer of GetRecords. Source: the API reference of Kinesis. */
const MOST_ANSWER_BYTES = 10 * 1024 ** 2;

/** The same Kinesis. Whoever reads gives the bytes of an answer back to the budget. */
export function boundedReads(kinesis: Kinesis, budget: ByteBudget): Kinesis {
  return {
    describeStreamSummary: (stream, signal) => kinesis.describeStreamSummary(stream, signal),
    listShards: (stream, filter, signal) => kinesis.listShards(stream, filter, signal),
    getShardIterator: (stream, shardId, position, signal) =>
      kinesis.getShardIterator(stream, shardId, position, signal),
    async getRecords(stream, iterator, limit, signal) {
      while (!budget.hasRoomFor(MOST_ANSWER_BYTES)) await room(budget, signal);
      budget.take(MOST_ANSWER_BYTES);
      let bytes = 0;
      try {
        const output = await kinesis.getRecords(stream, iterator, limit, signal);
        bytes = output.bytes;
        return output;
      } finally {
        budget.give(MOST_ANSWER_BYTES - bytes);
      }
    },
  };
}

function room(budget: ByteBudget, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = budget.onRoom(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}

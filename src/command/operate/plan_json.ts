// Pure.
/**
 * A plan for programs.
 *
 * @module
 */

import { HOURS_A_MONTH, PRICES } from "../../operate/check/cost.ts";
import { policyJson } from "../../operate/check/permissions.ts";
import { textOf } from "../../stream/sequence_number.ts";
import { totalDollars, type WholePlan } from "./plan_text.ts";

/** Its JSON. */
export function planJson({ setup, start, retrievalReason, cost, permissions }: WholePlan): unknown {
  const { table, streams, shards, notRead } = start;
  return {
    applicationName: setup.applicationName,
    table: {
      tableName: setup.tableName,
      action: table.action,
      ...("format" in table ? { format: table.format } : {}),
      ...("problem" in table ? { problem: table.problem } : {}),
    },
    streams: streams.map(({ streamName, summary, leasesToCreate, finishedLeases, problem }) => ({
      streamName,
      status: summary?.streamStatus ?? null,
      mode: summary?.streamMode ?? null,
      openShards: summary?.openShardCount ?? null,
      leasesToCreate,
      finishedLeases,
      problem: problem ?? null,
    })),
    shards: shards.map(({ leaseKey, shardId, streamName, isNew, owner, from, recordEpochMs }) => ({
      leaseKey,
      shardId,
      streamName,
      isNew,
      owner: owner ?? null,
      from: textOf(from),
      recordTime: recordEpochMs === undefined ? null : new Date(recordEpochMs).toISOString(),
    })),
    retrieval: { mode: setup.retrievalMode, reason: retrievalReason },
    estimate: {
      workers: cost.workers,
      shards: cost.shards,
      requestsPerHour: cost.requestsPerHour,
      requestsPerShardHour: Math.round(cost.requestsPerShardHour),
      hoursPerMonth: HOURS_A_MONTH,
      dollarsPerMonth: {
        dynamoDB: cents(cost.dynamoDBDollars),
        fanOut: cents(cost.fanOutDollars),
        cloudWatch: cents(cost.metricsDollars),
        total: cents(totalDollars(cost)),
      },
      prices: PRICES,
    },
    policy: JSON.parse(policyJson(permissions)),
    notRead,
  };
}

function cents(dollars: number): number {
  return Math.round(dollars * 100) / 100;
}

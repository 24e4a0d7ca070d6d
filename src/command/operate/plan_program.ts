/**
 * Runs `kclite plan`.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import { metricCost } from "../../cloudwatch/metric_cost.ts";
import { costEstimate } from "../../operate/check/cost.ts";
import { workerPermissions } from "../../operate/check/permissions.ts";
import { type StartPlan, startPlan } from "../../operate/check/start_plan.ts";
import type { WorkerSetup } from "../../operate/check/worker_setup.ts";
import type { Tone } from "../../terminal/text_width.ts";
import { metricsTarget } from "../cloudwatch_setup.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { planJson } from "./plan_json.ts";
import { PLANNED_WORKERS } from "./plan_options.ts";
import { type PlanCost, planLines, type WholePlan } from "./plan_text.ts";
import { workerSetup } from "./worker_setup_of.ts";

/** Runs it. */
export async function plan({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, signal, isJson } = context;
  const configuration = await context.configuration();
  const access = await context.openFleet();
  const isKinesisGiven = context.host.options?.kinesis !== undefined;
  const setup = workerSetup(configuration, access, isKinesisGiven);
  const progress = terminal.progress("Reading positions", "shard");
  let start: StartPlan;
  try {
    start = await startPlan(access, setup, signal, (done, total) => progress.update(done, total));
  } finally {
    progress.end();
  }
  const arn = start.streams.map(({ summary }) => summary?.streamArn).find((arn) => arn !== undefined);
  const whole: WholePlan = {
    setup,
    start,
    retrievalReason: configuration.retrieval.reason,
    cost: planCost(configuration, setup, start, { workers: flags.of(PLANNED_WORKERS), isKinesisGiven }),
    permissions: workerPermissions(setup, {
      accountId: arn === undefined ? undefined : parseStreamArn(arn).accountId,
      isTableThere: start.table.action === "use",
    }),
  };
  if (isJson) terminal.print(JSON.stringify(planJson(whole), undefined, 2));
  else {
    const paint = (tone: Tone, text: string) => terminal.paint(tone, text);
    terminal.printLines(planLines(whole, { columns: terminal.columns, paint }));
  }
  const { table, streams } = start;
  const isRefused = table.action === "refused" || table.action === "unknown";
  return isRefused || streams.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

function planCost(
  configuration: ProgramConfiguration,
  setup: WorkerSetup,
  { streams, shards, table, reportingWorkers }: StartPlan,
  { workers = Math.max(1, reportingWorkers), isKinesisGiven }: {
    readonly workers: number | undefined;
    readonly isKinesisGiven: boolean;
  },
): PlanCost {
  const metrics = metricsTarget(configuration, isKinesisGiven);
  const isFanOut = setup.retrievalMode === "FANOUT";
  // A consumer is charged for each shard of the stream, read or not; on demand by the gigabyte alone.
  const charged = streams.filter(({ summary }) => summary?.streamMode !== "ON_DEMAND")
    .reduce((sum, { summary }) => sum + (summary?.openShardCount ?? 0), 0);
  const found = table.action === "use" ? table.description : undefined;
  const throughput = found?.provisionedThroughput;
  const open = streams.reduce((sum, { summary }) => sum + (summary?.openShardCount ?? 0), 0);
  // Where the leases are not known, each open shard has one.
  const read = shards.length === 0 ? open : shards.length;
  const estimate = costEstimate({
    workers,
    shards: read,
    failoverTimeMs: setup.failoverTimeMs,
    leaseDiscoveryIntervalMs: setup.leaseDiscoveryIntervalMs,
    leaseAssignmentIntervalMs: setup.leaseAssignmentIntervalMs,
    billingMode: found === undefined
      ? setup.billingMode ?? "PAY_PER_REQUEST"
      : throughput === undefined
      ? "PAY_PER_REQUEST"
      : { readCapacity: throughput.read, writeCapacity: throughput.write },
    fanOutShards: isFanOut ? charged : 0,
  });
  const { level, dimensions, bufferTimeMs } = metrics.type === "sent"
    ? metrics
    : { level: "NONE" as const, dimensions: [], bufferTimeMs: 10_000 };
  const { metricDollars, requestDollars } = metricCost({
    shards: read,
    workers,
    level,
    dimensions,
    bufferTimeMs,
  });
  return {
    ...estimate,
    workers,
    shards: read,
    isFanOutByGigabyte: isFanOut && streams.some(({ summary }) => summary?.streamMode === "ON_DEMAND"),
    metricsDollars: metrics.type === "sent" ? metricDollars + requestDollars : 0,
    metricsLevel: level,
  };
}

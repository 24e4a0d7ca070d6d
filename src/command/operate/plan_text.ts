// Pure.
/**
 * A plan as lines of text.
 *
 * @module
 */

import type { MetricsLevel } from "../../cloudwatch/metric_tally.ts";
import { counted, numberText, shortPosition } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import { type CostEstimate, PRICES } from "../../operate/check/cost.ts";
import type { Permission } from "../../operate/check/permissions.ts";
import type { ShardPlan, StartPlan, StreamPlan } from "../../operate/check/start_plan.ts";
import type { WorkerSetup } from "../../operate/check/worker_setup.ts";
import { type Column, tableLines } from "../../terminal/text_table.ts";
import { type Tone, wrapText } from "../../terminal/text_width.ts";

/** What a month costs, and for whom. */
export interface PlanCost extends CostEstimate {
  readonly workers: number;
  readonly shards: number;
  /** Whether fan-out is charged by the gigabyte alone, since a stream is on demand. */
  readonly isFanOutByGigabyte: boolean;
  readonly metricsDollars: number;
  readonly metricsLevel: MetricsLevel | "NONE";
}

/** A plan with all its parts. */
export interface WholePlan {
  readonly setup: WorkerSetup;
  readonly start: StartPlan;
  readonly retrievalReason: string;
  readonly cost: PlanCost;
  readonly permissions: readonly Permission[];
}

/** How lines are made. */
export interface PlanStyle {
  /** How wide a line may be. */
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
}

/** The whole sum. */
export function totalDollars({ dynamoDBDollars, fanOutDollars, metricsDollars }: PlanCost): number {
  return dynamoDBDollars + fanOutDollars + metricsDollars;
}

/** Sentences are read at this width, also in a pipe. */
const MOST_COLUMNS = 100;

/** The lines. */
export function planLines(plan: WholePlan, style: PlanStyle): string[] {
  const { setup, start, retrievalReason } = plan;
  const { columns, paint } = style;
  const wrapped = (tone: Tone | undefined, text: string) =>
    wrapText(oneLine(text), Math.min(columns, MOST_COLUMNS)).map((line) =>
      tone === undefined ? line : paint(tone, line)
    );
  const blocks = [
    wrapped(...tableText(setup, start)),
    ...start.streams.map((stream) =>
      wrapped(stream.problem === undefined ? undefined : "bad", streamText(stream))
    ),
    ...(setup.retrievalMode === "FANOUT"
      ? [wrapped("warning", `${retrievalReason} It is named ${setup.consumerName}.`)]
      : [wrapped(undefined, retrievalReason)]),
    start.shards.length === 0 ? [] : ["", ...tableLines(start.shards, shardColumns(setup), columns)],
    ["", ...costLines(plan).flatMap((text) => wrapped(undefined, text))],
    ["", ...permissionLines(plan).flatMap((text) => wrapped(undefined, text))],
    start.notRead.length === 0 ? [] : ["", ...start.notRead.flatMap((text) => wrapped("warning", text))],
  ];
  return blocks.flat();
}

function tableText(
  { tableName, billingMode }: WorkerSetup,
  { table }: StartPlan,
): [tone: Tone | undefined, text: string] {
  const name = `Table ${tableName}`;
  switch (table.action) {
    case "create": {
      const billing = billingMode === undefined || billingMode === "PAY_PER_REQUEST"
        ? "on demand"
        : `with ${billingMode.readCapacity} read and ${billingMode.writeCapacity} write units, as its index`;
      return [undefined, `${name}: would be created, ${billing}.`];
    }
    case "use":
      return [undefined, `${name}: is there: ${table.format}.`];
    case "refused":
      return ["bad", `${name}: a worker would end at once: ${table.problem}.`];
    case "unknown":
      return ["bad", `${name}: could not be looked at: ${table.problem}.`];
  }
}

function streamText({ streamName, summary, leasesToCreate, finishedLeases, problem }: StreamPlan): string {
  const parts = [
    summary?.streamStatus,
    summary?.openShardCount === undefined ? undefined : counted(summary.openShardCount, "open shard"),
    problem === undefined
      ? leasesToCreate === 0 ? "no lease to create" : `${counted(leasesToCreate, "lease")} to create`
      : undefined,
    finishedLeases === 0 ? undefined : `${counted(finishedLeases, "shard")} finished`,
    problem,
  ].filter((part) => part !== undefined);
  return `Stream ${streamName}: ${parts.join(", ")}.`;
}

function shardColumns({ initialPosition, isMany }: WorkerSetup): readonly Column<ShardPlan>[] {
  const initial = initialPosition instanceof Date
    ? `at ${initialPosition.toISOString()}`
    : initialPosition === "LATEST"
    ? "what comes from now on"
    : "the oldest record";
  return [
    ...(isMany ? [{ title: "STREAM", cell: ({ streamName }: ShardPlan) => oneLine(streamName) }] : []),
    { title: "SHARD", cell: ({ shardId }) => oneLine(shardId) },
    { title: "LEASE", shrink: "never", cell: ({ isNew }) => isNew ? "new" : "is there" },
    {
      title: "READ FROM",
      cell: ({ isNew, from }) => isNew ? initial : oneLine(shortPosition(from)),
    },
    {
      title: "RECORD OF",
      cell: ({ recordEpochMs }) =>
        recordEpochMs === undefined ? "–" : new Date(recordEpochMs).toISOString().replace(/\.\d+Z$/, "Z"),
    },
  ];
}

function costLines({ cost }: WholePlan): string[] {
  const { requestsPerHour: requests, requestsPerShardHour } = cost;
  const fanOut = cost.isFanOutByGigabyte
    ? `, fan-out ${dollars(cost.fanOutDollars)} and by the gigabyte, for a stream on demand`
    : cost.fanOutDollars === 0
    ? ""
    : `, fan-out ${dollars(cost.fanOutDollars)} and by the gigabyte`;
  const metrics = cost.metricsLevel === "NONE"
    ? ", no metrics"
    : `, CloudWatch ${dollars(cost.metricsDollars)} (metricsLevel ${cost.metricsLevel})`;
  return [
    `Estimate for ${counted(cost.workers, "worker")} and ${counted(cost.shards, "shard")} at rest: ` +
    `${numberText(requestsPerShardHour)} requests to DynamoDB for a shard and hour. In an hour: ` +
    `${numberText(requests.renewals)} renewals, ${numberText(requests.discovery)} queries for new leases, ` +
    `${numberText(requests.heartbeats)} heartbeats and reports, ${numberText(requests.scans)} scans of ` +
    `the table, ${numberText(requests.lockLooks)} looks at the leader's lock.`,
    `A month: about ${dollars(totalDollars(cost))}: DynamoDB ${
      dollars(cost.dynamoDBDollars)
    }${fanOut}${metrics}. ` +
    `List prices of ${PRICES.region}, ${PRICES.dated}.`,
  ];
}

/** By resource, without the parts that all ARNs share. */
function permissionLines({ permissions }: WholePlan): string[] {
  return [
    "Needs these permissions (kclite table --print iam prints them as a policy):",
    ...permissions.map(({ actions, resources }) =>
      `- ${actions.join(", ")} on ${
        resources.map((arn) => arn.split(":").slice(5).join(":") || arn).join(", ")
      }`
    ),
  ];
}

function dollars(amount: number): string {
  return amount < 100 ? `$${amount.toFixed(2)}` : `$${numberText(amount)}`;
}

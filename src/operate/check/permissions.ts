// Pure.
/**
 * The IAM actions that a worker of a setup calls, and on what: the least policy. docs/PERMISSIONS.md says the
 * same in prose, and a test holds the two together.
 *
 * @module
 */

import { isTableStreamName, tableStreamArn } from "../../stream/table_stream_name.ts";
import { partitionName } from "../../aws/endpoint.ts";
import { OWNER_INDEX } from "../../store/lease_table.ts";
import type { WorkerSetup } from "./worker_setup.ts";

/** Actions on some resources. */
export interface Permission {
  /** A name for the statement, letters and digits. */
  readonly sid: string;
  readonly actions: readonly string[];
  /** ARNs. An account that is not known is `*`. */
  readonly resources: readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** How the least policy is made. */
export interface PermissionOptions {
  /** 12 digits. Undefined: any account. */
  readonly accountId?: string | undefined;
  /** Whether the table is created beforehand, so that workers need not be allowed to. */
  readonly isTableThere: boolean;
}

/** Names the statement about streams of DynamoDB's tables. */
export const TABLE_STREAMS = "TableStream";

/** What a worker needs. */
export function workerPermissions(setup: WorkerSetup, options: PermissionOptions): Permission[] {
  const { tableName, retrievalMode, metricsNamespace } = setup;
  const arnOf = (stream: WorkerSetup["streams"][number]) => streamArn(setup, options, stream);
  const ofTables = setup.streams.filter(({ streamName }) => isTableStreamName(streamName)).map(arnOf);
  const streams = setup.streams.filter(({ streamName }) => !isTableStreamName(streamName)).map(arnOf);
  const consumers = streams.map((arn) => `${arn}/consumer/*`);
  const table = tableArn(setup, options, tableName);
  const hasStreams = streams.length > 0 || ofTables.length === 0;
  const isFanOut = retrievalMode === "FANOUT" && hasStreams;
  const all: (Permission | false)[] = [
    hasStreams && {
      sid: "Stream",
      actions: [
        "kinesis:DescribeStreamSummary",
        "kinesis:ListShards",
        ...(isFanOut ? [] : ["kinesis:GetShardIterator", "kinesis:GetRecords"]),
      ],
      resources: streams,
    },
    ofTables.length > 0 && {
      sid: TABLE_STREAMS,
      actions: ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"],
      resources: ofTables,
    },
    isFanOut && { sid: "RegisterConsumer", actions: ["kinesis:RegisterStreamConsumer"], resources: streams },
    isFanOut && {
      sid: "Consumer",
      actions: [
        "kinesis:DescribeStreamConsumer",
        "kinesis:SubscribeToShard",
        ...(setup.deregistersConsumer ? ["kinesis:DeregisterStreamConsumer"] : []),
      ],
      resources: consumers,
    },
    {
      sid: "Leases",
      actions: [
        ...(options.isTableThere ? [] : ["dynamodb:CreateTable", "dynamodb:UpdateTable"]),
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Scan",
        ...(!options.isTableThere && setup.leaseTableTags !== undefined ? ["dynamodb:TagResource"] : []),
        ...(setup.leaseTablePitrEnabled ? ["dynamodb:UpdateContinuousBackups"] : []),
      ],
      resources: [table],
    },
    { sid: "LeasesOfOneWorker", actions: ["dynamodb:Query"], resources: [`${table}/index/${OWNER_INDEX}`] },
    {
      sid: "FormatOfFleet",
      actions: ["dynamodb:DescribeTable"],
      resources: [tableArn(setup, options, `${setup.applicationName}-CoordinatorState`)],
    },
    metricsNamespace !== undefined && {
      sid: "Metrics",
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      condition: { StringEquals: { "cloudwatch:namespace": metricsNamespace } },
    },
  ];
  return all.filter((permission) => permission !== false);
}

/** A policy document of IAM. */
export function policyJson(permissions: readonly Permission[]): string {
  const statements = permissions.map(({ sid, actions, resources, condition }) => ({
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(condition === undefined ? {} : { Condition: condition }),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement: statements }, undefined, 2);
}

function streamArn(
  { region }: WorkerSetup,
  { accountId = "*" }: PermissionOptions,
  { streamName, streamArn }: WorkerSetup["streams"][number],
): string {
  if (streamArn === undefined && isTableStreamName(streamName)) {
    return tableStreamArn(partitionName(region), streamName);
  }
  return streamArn ?? `arn:${partitionName(region)}:kinesis:${region}:${accountId}:stream/${streamName}`;
}

function tableArn(
  { tableRegion }: WorkerSetup,
  { accountId = "*" }: PermissionOptions,
  name: string,
): string {
  return `arn:${partitionName(tableRegion)}:dynamodb:${tableRegion}:${accountId}:table/${name}`;
}

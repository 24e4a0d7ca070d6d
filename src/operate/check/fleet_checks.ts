/**
 * Whether a worker would find what it needs on AWS: its streams, its table, and the format of its fleet.
 *
 * @module
 */

import type { TableDescription } from "../../aws/dynamodb.ts";
import type { StreamReference, StreamSummary } from "../../aws/kinesis.ts";
import { isUsable, keyProblem, OWNER_INDEX, statusProblem } from "../../store/lease_table.ts";
import { decideFormat } from "../../fleet/fleet_format.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { type Check, checked, type Checking, type Finding, parted } from "./check.ts";
import { formatText } from "./format_text.ts";
import type { WorkerSetup } from "./worker_setup.ts";

/** A stream. */
export async function streamCheck(
  { kinesis }: FleetAccess,
  stream: StreamReference,
  checking: Checking,
): Promise<Check> {
  return await checked(
    `stream ${stream.streamName}`,
    checking,
    async (signal) => streamFinding(await kinesis.describeStreamSummary(stream, signal)),
  );
}

function streamFinding(
  { streamStatus, retentionPeriodHours, streamMode, openShardCount }: StreamSummary,
): Finding {
  const detail = [
    streamStatus,
    streamMode === undefined ? undefined : streamMode === "ON_DEMAND" ? "on demand" : "provisioned",
    openShardCount === undefined ? undefined : `${openShardCount} open shards`,
    retentionPeriodHours === undefined ? undefined : `keeps records for ${retentionPeriodHours} h`,
  ].filter((part) => part !== undefined).join(", ");
  if (streamStatus === "ACTIVE" || streamStatus === "UPDATING") return detail;
  return { detail, mend: streamStatus === "CREATING" ? "wait until it is ACTIVE" : "name another stream" };
}

/** What was found of the table. */
export interface TableChecks {
  readonly checks: readonly Check[];
  /** Undefined: it could not be found out. */
  readonly isTableThere: boolean | undefined;
  readonly isIndexThere: boolean;
}

/** The lease table and the format of its fleet. */
export async function tableChecks(
  access: FleetAccess,
  setup: WorkerSetup,
  checking: Checking,
): Promise<TableChecks> {
  const { dynamodb } = access;
  const { tableName } = setup;
  let found: TableDescription | undefined, isSeen = false;
  const table = await checked(`table ${tableName}`, checking, async (signal) => {
    found = await dynamodb.describeTable(tableName, signal);
    isSeen = true;
    return found === undefined ? "is not there: the first worker creates it" : tableFinding(found);
  });
  if (found === undefined) {
    return { checks: [table], isTableThere: isSeen ? false : undefined, isIndexThere: false };
  }
  const isIndexThere = Object.hasOwn(found.indexes, OWNER_INDEX);
  if (table.status !== "ok") return { checks: [table], isTableThere: true, isIndexThere };
  const format = await checked("fleet", checking, async (signal) => {
    const decision = await decideFormat(access, setup, undefined, signal);
    return decision.type === "join"
      ? formatText(decision)
      : parted(`a worker would be refused: ${decision.reason}`);
  });
  return { checks: [table, format], isTableThere: true, isIndexThere };
}

function tableFinding(table: TableDescription): Finding {
  const { tableStatus, billingMode, provisionedThroughput, indexes, isDeletionProtected } = table;
  const index = indexes[OWNER_INDEX];
  const detail = [
    tableStatus,
    billingMode === "PAY_PER_REQUEST"
      ? "on demand"
      : `${provisionedThroughput?.read} read and ${provisionedThroughput?.write} write units`,
    index === undefined ? "no index yet: the leader adds it" : `index ${index}`,
    isDeletionProtected === undefined
      ? undefined
      : `deletion protection ${isDeletionProtected ? "on" : "off"}`,
    "point-in-time recovery not looked at",
  ].filter((part) => part !== undefined).join(", ");
  const problem = keyProblem(table) ?? statusProblem(table);
  if (problem !== undefined) return parted(problem);
  return isUsable(table) ? detail : { detail, mend: "wait until it is ACTIVE" };
}

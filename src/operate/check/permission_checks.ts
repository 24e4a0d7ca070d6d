/**
 * Whether each action of the least policy is allowed, found out by calls without effect: reads, and writes on
 * a condition that can never hold.
 *
 * @module
 */

import { isTableStreamName } from "../../stream/table_stream_name.ts";
import type { DynamoDB, Expressions, Item } from "../../aws/dynamodb.ts";
import type { StreamReference } from "../../aws/kinesis.ts";
import { OWNER_INDEX } from "../../store/lease_table.ts";
import { LEASE_KEY } from "../../store/lease_item.ts";
import { isOpen } from "../../stream/shard.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { type Check, checked, type Checking, notTried } from "./check.ts";
import { type Permission, TABLE_STREAMS } from "./permissions.ts";

/** What is known before. */
export interface PermissionFindings {
  /** Undefined: it could not be found out. */
  readonly isTableThere: boolean | undefined;
  readonly isIndexThere: boolean;
  /** Services that cannot be called at all, with the reason. */
  readonly silent: ReadonlyMap<string, string>;
}

/** A check for each action, in the order of the policy. */
export async function permissionChecks(
  access: FleetAccess,
  permissions: readonly Permission[],
  findings: PermissionFindings,
  checking: Checking,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { sid, actions } of permissions) {
    for (const action of actions) {
      // On a stream each, where there are many.
      const isOfTables = sid === TABLE_STREAMS;
      const streams = isOfTables || action.startsWith("kinesis:")
        ? access.streams.filter(({ streamName }) => isTableStreamName(streamName) === isOfTables)
        : [undefined];
      for (const stream of streams) {
        const name = streams.length < 2 || stream === undefined
          ? shownAction(action, sid)
          : `${action} on ${stream.streamName}`;
        const without = reasonNotToTry(action, sid, findings);
        const call = stream === undefined
          ? tableCall(action, sid, access)
          : streamCall(action, stream, access);
        checks.push(
          without !== undefined || call === undefined
            ? notTried(name, without ?? "no call without effect shows it")
            : await checked(name, checking, call),
        );
      }
    }
  }
  return checks;
}

function shownAction(action: string, sid: string): string {
  if (sid === "LeasesOfOneWorker") return `${action} on the index`;
  return sid === "FormatOfFleet" ? `${action} on -CoordinatorState` : action;
}

function reasonNotToTry(
  action: string,
  sid: string,
  { isTableThere, isIndexThere, silent }: PermissionFindings,
): string | undefined {
  const [service = ""] = action.split(":");
  const reason = silent.get(service);
  if (reason !== undefined) return reason;
  if (service !== "dynamodb" || action === "dynamodb:DescribeTable" || !TRIED.has(action)) return undefined;
  if (isTableThere !== true) {
    return isTableThere === false ? "there is no table yet" : "the table was not seen";
  }
  return sid === "LeasesOfOneWorker" && !isIndexThere ? "there is no index yet" : undefined;
}

const TRIED: ReadonlySet<string> = new Set(
  ["Scan", "Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem"].map((name) => `dynamodb:${name}`),
);

type Call = (signal: AbortSignal) => Promise<string>;

function streamCall(action: string, stream: StreamReference, { kinesis }: FleetAccess): Call | undefined {
  const iterator = async (signal: AbortSignal): Promise<string | undefined> => {
    const shards = await kinesis.listShards(stream, { type: "AT_LATEST" }, signal);
    const shard = shards.find(isOpen);
    return shard === undefined
      ? undefined
      : await kinesis.getShardIterator(stream, shard.shardId, { type: "LATEST" }, signal);
  };
  switch (action) {
    case "kinesis:DescribeStreamSummary":
      return async (signal) => {
        await kinesis.describeStreamSummary(stream, signal);
        return "allowed";
      };
    case "dynamodb:DescribeStream":
    case "kinesis:ListShards":
      return async (signal) => {
        await kinesis.listShards(stream, { type: "AT_LATEST" }, signal);
        return "allowed";
      };
    case "dynamodb:GetShardIterator":
    case "kinesis:GetShardIterator":
      return async (signal) => await iterator(signal) === undefined ? "no shard is open" : "allowed";
    case "dynamodb:GetRecords":
    case "kinesis:GetRecords":
      return async (signal) => {
        const at = await iterator(signal);
        if (at === undefined) return "no shard is open";
        await kinesis.getRecords(stream, at, 1, signal);
        return "allowed";
      };
    default:
      return undefined;
  }
}

/** Of a lease that is never there. */
const NO_KEY: Item = { [LEASE_KEY]: { S: "kclite-doctor-no-such-lease" } };

/** Never holds, whatever the table has. */
const NEVER: Expressions = {
  ConditionExpression: "attribute_exists(#key) AND attribute_not_exists(#key)",
  ExpressionAttributeNames: { "#key": LEASE_KEY },
};

function tableCall(action: string, sid: string, access: FleetAccess): Call | undefined {
  const { dynamodb, tableName, coordinatorStore } = access;
  const call = (work: (signal: AbortSignal) => Promise<unknown>): Call => async (signal) => {
    await work(signal);
    return "allowed";
  };
  switch (action) {
    case "dynamodb:DescribeTable":
      return call((signal) =>
        sid === "FormatOfFleet"
          ? coordinatorStore.legacyTableExists(signal)
          : dynamodb.describeTable(tableName, signal)
      );
    case "dynamodb:Scan":
      return call((signal) => dynamodb.scanPage(tableName, { segment: 0, segments: 1, limit: 1 }, signal));
    case "dynamodb:Query":
      return call((signal) =>
        dynamodb.queryIndex(tableName, OWNER_INDEX, "leaseOwner = :owner", {
          ExpressionAttributeValues: { ":owner": { S: "kclite-doctor-no-such-worker" } },
        }, signal)
      );
    case "dynamodb:GetItem":
      return call((signal) => dynamodb.getItem(tableName, NO_KEY, signal));
    default:
      return neverWrite(action, dynamodb, tableName);
  }
}

/** The refused condition shows that the action itself is allowed. */
function neverWrite(action: string, dynamodb: DynamoDB, tableName: string): Call | undefined {
  const write = {
    "dynamodb:PutItem": (signal: AbortSignal) => dynamodb.putItem(tableName, NO_KEY, NEVER, signal),
    "dynamodb:UpdateItem": (signal: AbortSignal) =>
      dynamodb.updateItem(tableName, NO_KEY, "REMOVE kcliteDoctor", NEVER, signal),
    "dynamodb:DeleteItem": (signal: AbortSignal) => dynamodb.deleteItem(tableName, NO_KEY, NEVER, signal),
  }[action];
  return write && (async (signal) => {
    await write(signal);
    return "allowed: a condition that never holds was refused";
  });
}

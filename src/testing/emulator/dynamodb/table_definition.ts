// Pure.
/**
 * What CreateTable and UpdateTable say of a table: its name, keys and throughput.
 *
 * @module
 */

import { constraintError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";

/** A key: its attributes by name, the partition key first. */
export interface KeySchema {
  readonly hash: string;
  readonly range: string | undefined;
}

/** The capacity of a provisioned table per second. It is reported, and not enforced: faults throttle. */
export interface Throughput {
  readonly read: number;
  readonly write: number;
}

/** The attributes of a key. */
export function namesOf({ hash, range }: KeySchema): readonly string[] {
  return range === undefined ? [hash] : [hash, range];
}

/** The throughput that a request sets; undefined for on-demand. */
export function throughputOf(input: Input, otherwise: string): Throughput | undefined {
  const mode = input.text("BillingMode") ?? otherwise;
  const given = input.map("ProvisionedThroughput");
  if (mode !== "PROVISIONED") return undefined;
  const read = given?.integer("ReadCapacityUnits", 1, 1e9),
    write = given?.integer("WriteCapacityUnits", 1, 1e9);
  if (read !== undefined && write !== undefined) return { read, write };
  throw invalid(
    "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
  );
}

/** What a request defines of attributes, by name. */
export function definitionsOf(input: Input): readonly (readonly [string, string])[] {
  return input.maps("AttributeDefinitions").map((one) => {
    const type = one.requiredText("AttributeType");
    if (["S", "N", "B"].includes(type)) return [one.requiredText("AttributeName"), type];
    throw constraintError(
      type,
      "attributeDefinitions.attributeType",
      "Member must satisfy enum value set: [B, N, S]",
    );
  });
}

/** The key that a request defines. @throws {ApiError}. */
export function keyOf(input: Input): KeySchema {
  const [hash, range] = input.maps("KeySchema");
  if (hash?.text("KeyType") !== "HASH" || (range !== undefined && range.text("KeyType") !== "RANGE")) {
    throw invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  }
  return { hash: hash.requiredText("AttributeName"), range: range?.requiredText("AttributeName") };
}

/** A name that a table can have. @throws {ApiError}. */
export function checkedName(name: string): string {
  if (/^[\w.-]{3,255}$/.test(name)) return name;
  throw constraintError(
    name,
    "tableName",
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]{3,255}",
  );
}

/** A key as it is sent. */
export function wireKey({ hash, range }: KeySchema): readonly unknown[] {
  return [
    { AttributeName: hash, KeyType: "HASH" },
    ...(range === undefined ? [] : [{ AttributeName: range, KeyType: "RANGE" }]),
  ];
}

/** Throughput as it is sent. */
export function wireThroughput(throughput: Throughput | undefined): Readonly<Record<string, unknown>> {
  return {
    ReadCapacityUnits: throughput?.read ?? 0,
    WriteCapacityUnits: throughput?.write ?? 0,
    NumberOfDecreasesToday: 0,
  };
}

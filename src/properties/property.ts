// Pure.
/**
 * One row of the table of properties: the property's name, the meaning of its text, and the option or setting
 * that takes its value. The compiler checks that the types agree.
 *
 * @module
 */

import type { WorkerOptions } from "../options/options.ts";
import type { ValueType } from "./property_value.ts";

/** What properties say that is not an option of the worker. */
export interface Settings {
  readonly executableName?: string;
  readonly processingLanguage?: string;
  /** As `AwsCredentialsProvider` writes it. May hold secrets. */
  readonly credentials?: string;
  /** As `AwsCredentialsProviderDynamoDB` writes it. May hold secrets. */
  readonly dynamoDBCredentials?: string;
  readonly streamNames?: readonly string[];
  readonly streamArns?: readonly string[];
  readonly streamIdentifiersForLeaseCleanup?: readonly string[];
  readonly retrievalMode?: "FANOUT" | "POLLING" | "DEFAULT";
  readonly timeoutInSeconds?: number;
  readonly onChildFailure?: "restart" | "exit";
  readonly onProcessError?: "skip" | "retry" | "stop" | "deadletter";
  /** `Infinity`: no limit. */
  readonly maximumRetryAttempts?: number;
  /** `Infinity`: no limit. */
  readonly maximumRecordAgeInSeconds?: number;
  readonly bisectBatchOnFunctionError?: boolean;
  readonly functionResponseTypes?: readonly "ReportBatchItemFailures"[];
  readonly onFailureDestination?: string;
  readonly callTimeoutMillis?: number;
  readonly batchSize?: number;
  readonly maximumBatchingWindowInSeconds?: number;
  readonly parallelizationFactor?: number;
  readonly lambdaHandler?: string;
  readonly lambdaBootstrap?: string;
  readonly lambdaTimeoutSeconds?: number;
  readonly lambdaMemorySize?: number;
  readonly lambdaFunctionName?: string;
  readonly lambdaFunctionArn?: string;
  readonly lambdaDeaggregate?: boolean;
  readonly disableWorkerMetrics?: boolean;
  readonly healthHost?: string;
  readonly healthPort?: number;
  readonly healthToken?: string;
  readonly healthShardMetrics?: boolean;
  readonly healthCatchUpTargetMillis?: number;
  readonly healthAllowedHosts?: readonly string[];
  readonly logLevel?: "debug" | "info" | "warning" | "error";
  readonly logFormat?: "text" | "json";
  readonly billingMode?: "PAY_PER_REQUEST" | "PROVISIONED";
  readonly readCapacity?: number;
  readonly writeCapacity?: number;
  readonly coordinatorStateTableName?: string;
  readonly workerMetricsTableName?: string;
  readonly metricsLevel?: "NONE" | "SUMMARY" | "DETAILED";
  readonly metricsEnabledDimensions?: readonly (
    | "Operation"
    | "ShardId"
    | "StreamId"
    | "WorkerIdentifier"
    | "ALL"
  )[];
  readonly metricsBufferTimeMillis?: number;
  readonly metricsMaxQueueSize?: number;
  /** As `AwsCredentialsProviderCloudWatch` writes it. May hold secrets. */
  readonly cloudWatchCredentials?: string;
  readonly cloudWatchRegion?: string;
  readonly cloudWatchEndpoint?: string;
}

/** What takes a property's value. */
export type Effect =
  | { readonly type: "option"; readonly option: keyof WorkerOptions }
  | { readonly type: "setting"; readonly setting: keyof Settings }
  /** KCL has it, kclite does not yet: a warning is logged if it is set. */
  | { readonly type: "notYet" }
  /** Accepted for the sake of existing files. */
  | { readonly type: "none" };

/** A property that is accepted. */
export interface Property {
  readonly name: string;
  /** Other names. An alias is the more specific name, so it wins over `name` in the same file. */
  readonly aliases: readonly string[];
  readonly type: ValueType<unknown>;
  readonly effect: Effect;
  /** KCL's default in words; undefined for a property of our own. */
  readonly kcl: string | undefined;
  /** Our default in words. */
  readonly default: string;
  readonly note: string;
}

/** Properties on one subject. */
export interface PropertyGroup {
  readonly title: string;
  readonly properties: readonly Property[];
}

/** What a row is made from. */
export interface Row<V> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly type: ValueType<V>;
  /** KCL's default. Left out: KCL does not know the property. */
  readonly kcl?: string;
  /** Our default, if it is not KCL's. */
  readonly default?: string;
  readonly note: string;
}

/** A property that sets an option of the worker. */
export function option<V>(row: Row<V> & { readonly option: KeysTaking<V, WorkerOptions> }): Property {
  return property(row, { type: "option", option: row.option });
}

/** A property that says something to the program around the worker. */
export function setting<V>(row: Row<V> & { readonly setting: KeysTaking<V, Settings> }): Property {
  return property(row, { type: "setting", setting: row.setting });
}

/** A property of KCL that kclite does not serve yet. */
export function notYet(row: Row<unknown>): Property {
  return property(row, { type: "notYet" });
}

/** A property of KCL that means nothing here. */
export function noEffect(row: Row<unknown>): Property {
  return property(row, { type: "none" });
}

/** The keys of `T` to which a `V` can be assigned. */
export type KeysTaking<V, T> = { [K in keyof T]-?: V extends T[K] ? K : never }[keyof T];

function property(row: Row<unknown>, effect: Effect): Property {
  const { name, aliases = [], type, kcl, note } = row;
  return { name, aliases, type, effect, kcl, default: row.default ?? kcl ?? "none", note };
}

// Pure.
/**
 * The part of the table of properties that is about failures, batches, filters and order, with the names of
 * Lambda's event source mappings.
 *
 * Source: AWS Lambda's API, `CreateEventSourceMapping`: names, defaults and ranges.
 *
 * @module
 */

import { option, type Property, setting } from "./property.ts";
import {
  boolean,
  count,
  filterPatterns,
  INT_MAX,
  listOf,
  oneOf,
  text,
  unlimitedOr,
  wholeNumber,
} from "./property_value.ts";

/** Rows of the table. */
export const FAILURE_PROPERTIES: readonly Property[] = [
  setting({
    name: "onProcessError",
    type: oneOf(["skip", "retry", "stop", "deadletter"]),
    setting: "onProcessError",
    default: "skip",
    note:
      "What becomes of a batch when a module's `processRecords` throws; KCL skips it. Beside `maximumRetryAttempts` and its " +
      "like: what becomes of records that were tried often enough, where the default is stop. A program that fails is " +
      "started again at the last checkpoint",
  }),
  setting({
    name: "maximumRetryAttempts",
    type: unlimitedOr({ max: 10_000 }),
    setting: "maximumRetryAttempts",
    default: "-1: no limit",
    note: "How many times a failed batch is tried again; 0 = one call. Splitting costs none",
  }),
  setting({
    name: "maximumRecordAgeInSeconds",
    type: unlimitedOr({ min: 1, max: 31_536_000 }),
    setting: "maximumRecordAgeInSeconds",
    default: "-1: no limit",
    note:
      "Records that are older are given up, at the beginning of a batch. Needs `onProcessError` skip or deadletter",
  }),
  setting({
    name: "bisectBatchOnFunctionError",
    type: boolean,
    setting: "bisectBatchOnFunctionError",
    default: "false",
    note: "Whether a failed batch goes on in two halves, the left one first",
  }),
  setting({
    name: "functionResponseTypes",
    type: listOf(["ReportBatchItemFailures"]),
    setting: "functionResponseTypes",
    default: "none",
    note: "Whether an answer may name the records of a batch that failed",
  }),
  setting({
    name: "onFailureDestination",
    type: text,
    setting: "onFailureDestination",
    default: "none",
    note:
      "Where records go that are given up: an ARN, or the path of a file. Means `onProcessError = deadletter`",
  }),
  setting({
    name: "callTimeoutMillis",
    type: count({ max: INT_MAX }),
    setting: "callTimeoutMillis",
    default: "no limit",
    note: "How long one call of a module's `processRecords` may take. For programs: `timeoutInSeconds`",
  }),
  setting({
    name: "batchSize",
    type: wholeNumber({ min: 1, max: 10_000 }),
    setting: "batchSize",
    default: "10000; 100 with `parallelizationFactor`",
    note: "The most records of one call. Lambda's default is 100",
  }),
  setting({
    name: "maximumBatchingWindowInSeconds",
    type: wholeNumber({ max: 300 }),
    setting: "maximumBatchingWindowInSeconds",
    default: "0",
    note: "How long a batch waits until it is full",
  }),
  setting({
    name: "parallelizationFactor",
    type: wholeNumber({ min: 1, max: 1000 }),
    setting: "parallelizationFactor",
    default: "1",
    note:
      "How many calls of a shard may run at the same time, in order of each partition key. For modules only",
  }),
  option({
    name: "filterCriteria",
    type: filterPatterns,
    option: "filter",
    default: "none: all records",
    note:
      'Which records are delivered, as JSON: `{"Filters": [{"Pattern": "…"}]}`, a pattern, or a list of patterns',
  }),
];

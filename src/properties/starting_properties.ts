// Pure.
/**
 * The part of the table of properties that is about the start of a worker, its health and its log.
 *
 * Source: KCL 3.5.1, `MultiLangDaemonConfiguration`.
 *
 * @module
 */

import { option, type Property, setting } from "./property.ts";
import {
  boolean,
  count,
  hostNames,
  INT_MAX,
  milliseconds,
  oneOf,
  secret,
  text,
  wholeNumber,
} from "./property_value.ts";

/** Rows of the table. */
export const STARTING_PROPERTIES: readonly Property[] = [
  option({
    name: "maxInitializationAttempts",
    type: count({ max: INT_MAX }),
    option: "maxInitializationAttempts",
    default: "20",
    note:
      "How many times starting up is tried before the program ends with 1. In KCL it cannot be set in a file",
  }),
  option({
    name: "schedulerInitializationBackoffTimeMillis",
    type: milliseconds,
    option: "schedulerInitializationBackoffTimeMs",
    kcl: "1000",
    note: "The pause between those tries",
  }),
  setting({
    name: "healthPort",
    type: wholeNumber({ max: 65_535 }),
    setting: "healthPort",
    default: "none: nothing is served",
    note: "Serves /live, /ready, /health, /lag, /metrics, /scale and a page for people; 0 = any free port",
  }),
  setting({
    name: "healthHost",
    type: text,
    setting: "healthHost",
    default: "127.0.0.1",
    note: "Address to serve them on. They have no authentication: `0.0.0.0` shows them to the whole network",
  }),
  setting({
    name: "healthAllowedHosts",
    type: hostNames,
    setting: "healthAllowedHosts",
    default: "on loopback its own names, elsewhere any",
    note:
      "Further names that a request may say in `Host`, for a proxy in front; `*` = any. Others get 421, so that no page in " +
      "somebody's browser reads what loopback serves, by DNS rebinding",
  }),
  setting({
    name: "healthToken",
    type: secret,
    setting: "healthToken",
    default: "none: everybody may ask",
    note:
      "What a request must send as `Authorization: Bearer TOKEN`, but for /live and /ready. A browser asks for it as a password. " +
      "16 or more characters. Better in the environment, as `KCLITE_HEALTH_TOKEN`",
  }),
  setting({
    name: "healthShardMetrics",
    type: boolean,
    setting: "healthShardMetrics",
    default: "true",
    note:
      "`false` leaves the series of single shards out of /metrics: for thousands of shards. The largest lag stays",
  }),
  setting({
    name: "healthCatchUpTargetMillis",
    type: milliseconds,
    setting: "healthCatchUpTargetMillis",
    default: "900000",
    note: "In which time a reader that is behind should have caught up: what /scale counts workers for",
  }),
  option({
    name: "healthDataLossLimitMillis",
    type: milliseconds,
    option: "dataLossLimitMs",
    default: "a quarter of the stream's retention period",
    note:
      "From how little time on, until unread records are trimmed, the log has a warning. If their loss is certain at the present pace, " +
      "/health is 503",
  }),
  option({
    name: "healthCallbackLimitMillis",
    type: milliseconds,
    option: "callbackLimitMs",
    default: "300000",
    note:
      "How long a callback of a record processor may take until /live and /health are 503 and the log calls it a fault; longer than the " +
      "slowest batch that is well",
  }),
  option({
    name: "logWarningForTaskAfterMillis",
    type: milliseconds,
    option: "logWarningForTaskAfterMs",
    kcl: "none",
    note: "A callback of a record processor that takes longer is worth a warning of the log",
  }),
  setting({
    name: "logLevel",
    type: oneOf(["debug", "info", "warning", "error"]),
    setting: "logLevel",
    default: "info",
    note: "The least important log lines to write",
  }),
  setting({
    name: "logFormat",
    type: oneOf(["text", "json"]),
    setting: "logFormat",
    default: "text",
    note:
      "`json` writes one object a line, with time, level, type of event, lease key, stream, message, and class and code of an error",
  }),
];

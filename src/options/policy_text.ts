// Pure.
/**
 * Puts the option `errors` into words, for the log: a person should see at the start what a failure costs.
 *
 * @module
 */

import type { WorkerEvent } from "../events.ts";
import type { ErrorSettings } from "../failures/failure_options.ts";
import type { WorkerSettings } from "./setting_groups.ts";

/** Which rule counts when `processRecords` fails, as the event `errorRule` has it. */
export function errorRule(
  { delivery: { isPolicy, onProcessError, isErrorRuleChosen: isChosen }, failures }: Pick<
    WorkerSettings,
    "delivery" | "failures"
  >,
): ErrorRule {
  if (!isPolicy || failures === undefined) return { rule: onProcessError, isChosen };
  return { rule: "policy", isChosen, policy: policyText(failures.errors) };
}

type ErrorRule = Omit<Extract<WorkerEvent, { readonly type: "errorRule" }>, "type">;

/** What follows when `processRecords` fails, as the end of a sentence about its batch. */
export function policyText(
  { attempts, maxAgeMs, split, onExhausted, park }: Pick<
    ErrorSettings,
    "attempts" | "maxAgeMs" | "split" | "onExhausted" | "park"
  >,
): string {
  const times = attempts === Infinity
    ? "is tried again until it succeeds"
    : attempts === 0
    ? "is not tried again"
    : `is tried again ${attempts === 1 ? "once" : `${attempts} times`} at the most`;
  const halves = split === "bisect" ? ", in halves" : "";
  const becomes = onExhausted === "stop"
    ? "stop their shard"
    : onExhausted === "skip"
    ? "are SKIPPED"
    : `go to ${onExhausted.sink.name}`;
  const old = maxAgeMs === Infinity ? "" : `; records older than ${maxAgeMs / 1000} s ${becomes}`;
  if (park !== undefined) return `${times}${halves}, then its keys are parked${old}`;
  return `${times}${halves}${attempts === Infinity ? "" : `, then its records ${becomes}`}${old}`;
}

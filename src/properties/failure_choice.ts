// Pure.
/**
 * What the properties about failures, batches and order together make of the options of the worker.
 *
 * @module
 */

import type { WorkerOptions } from "../options/options.ts";
import type { Settings } from "./property.ts";
import type { Findings, GivenProperty } from "./property_reading.ts";

/** Which properties make a policy. */
const POLICY = [
  "maximumRetryAttempts",
  "maximumRecordAgeInSeconds",
  "bisectBatchOnFunctionError",
  "functionResponseTypes",
  "onFailureDestination",
  "callTimeoutMillis",
] as const satisfies readonly (keyof Settings)[];

/** What these properties make of the options. What does not go together is added to the problems. */
export function failuresOf(
  { settings, chosen, findings: { problems } }: {
    readonly settings: Settings;
    readonly chosen: readonly GivenProperty[];
    readonly findings: Findings;
  },
): Partial<WorkerOptions> {
  const { batchSize: size, maximumBatchingWindowInSeconds: window, parallelizationFactor: perShard } =
    settings;
  const windowMs = window === undefined ? undefined : window * 1000;
  const isBatched = size !== undefined || window !== undefined;
  return {
    ...(isBatched
      ? {
        batch: { ...(size === undefined ? {} : { size }), ...(windowMs === undefined ? {} : { windowMs }) },
      }
      : {}),
    ...(perShard === undefined ? {} : { concurrency: { perShard } }),
    ...errorsOf(settings, chosen, problems),
  };
}

function errorsOf(
  settings: Settings,
  chosen: readonly GivenProperty[],
  problems: string[],
): Partial<WorkerOptions> {
  const rule = chosen.find(({ property }) => property.name === "onProcessError");
  const { onProcessError, onFailureDestination, maximumRecordAgeInSeconds = Infinity } = settings;
  const isPolicy = POLICY.some((name) => settings[name] !== undefined) || onProcessError === "deadletter";
  if (!isPolicy) return onProcessError === undefined ? {} : { onProcessError };
  if (onProcessError === "deadletter" && onFailureDestination === undefined) {
    problems.push(
      `Cannot read ${rule?.where}: expected onFailureDestination beside onProcessError = deadletter: got none`,
    );
  }
  if (onProcessError !== undefined && onProcessError !== "deadletter" && onFailureDestination !== undefined) {
    problems.push(
      `Cannot read ${rule?.where}: expected onProcessError = deadletter beside onFailureDestination: got ` +
        onProcessError,
    );
  }
  if (onProcessError === "retry" && settings.maximumRetryAttempts !== undefined) {
    problems.push(
      `Cannot read ${rule?.where}: expected onProcessError to be skip, stop or deadletter beside ` +
        "maximumRetryAttempts: got retry, which has no limit",
    );
  }
  const onExhausted = onProcessError === "skip" ? "skip" : "stop";
  if (
    maximumRecordAgeInSeconds !== Infinity && onExhausted === "stop" && onFailureDestination === undefined
  ) {
    const age = chosen.find(({ property }) => property.name === "maximumRecordAgeInSeconds");
    problems.push(
      `Cannot read ${age?.where}: expected onProcessError = skip, or onFailureDestination, beside ` +
        "maximumRecordAgeInSeconds: got neither: a record that is too old would stop its shard for good",
    );
  }
  // KCL's rule is one call; so is this one where no attempts are given.
  const isOneCall = onProcessError === "skip" || onProcessError === "stop";
  const attempts = settings.maximumRetryAttempts ?? (isOneCall ? 0 : Infinity);
  const { bisectBatchOnFunctionError, functionResponseTypes, callTimeoutMillis: callTimeoutMs } = settings;
  return {
    errors: {
      retry: {
        ...(attempts === Infinity ? {} : { attempts }),
        ...(maximumRecordAgeInSeconds === Infinity ? {} : { maxAgeMs: maximumRecordAgeInSeconds * 1000 }),
      },
      ...(bisectBatchOnFunctionError === true ? { split: "bisect" } : {}),
      ...(functionResponseTypes === undefined ? {} : { partial: true }),
      ...(callTimeoutMs === undefined ? {} : { callTimeoutMs }),
      // A destination becomes a sink where the program is put together.
      onExhausted,
    },
  };
}

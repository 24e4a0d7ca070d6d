// Pure.
/**
 * Checks the options `errors`, `batch`, `filter` and `concurrency`, and fills in their defaults.
 *
 * @module
 */

import type { ConcurrencySettings, ErrorPolicy, FailureSettings } from "../failures/failure_options.ts";
import {
  type Check,
  checkFields,
  functionThat,
  isObject,
  number,
  objectWith,
  oneOf,
  shown,
  text,
  yesOrNo,
} from "./option_checks.ts";
import type { WorkerOptions } from "./options.ts";

/** The option `errors`. */
export const errors: Check = fields({
  retry: fields({
    attempts: number({ min: 0, isInteger: true, mayBeInfinite: true }),
    delay: functionThat("gives a pause in ms"),
    maxAgeMs: number({ min: 1, mayBeInfinite: true }),
  }),
  split: oneOf("none", "bisect"),
  partial: yesOrNo,
  onExhausted: (name, value) => {
    if (!isObject(value)) return oneOf("stop", "skip", "deadLetter(sink)")(name, value);
    if (value.type !== "deadLetter" || !isObject(value.sink)) {
      throw new TypeError(
        `Cannot start worker: expected ${name} to be "stop", "skip" or deadLetter(sink): got an object`,
      );
    }
    text(`${name}.sink.name`, value.sink.name);
    objectWith("store")(`${name}.sink`, value.sink);
  },
  callTimeoutMs: number({ min: 1, mayBeInfinite: true }),
});

/** The option `batch`. */
export const batch: Check = fields({
  size: number({ min: 1, max: 10_000, isInteger: true }),
  windowMs: number({ min: 0, max: 300_000 }),
  bytes: number({ min: 1 }),
});

/** The option `concurrency`. */
export const concurrency: Check = (name, value) => {
  fields({
    perShard: number({ min: 1, max: 1000, isInteger: true }),
    order: oneOf("shard", "key", "none"),
  })(name, value);
  if (!isObject(value) || value.order !== "shard" || Number(value.perShard ?? 1) === 1) return;
  throw new TypeError(
    `Cannot start worker: expected ${name}.order to be "key" or "none" beside perShard ${value.perShard}: ` +
      'got "shard", which means one call at a time',
  );
};

/** The option `filter`: what the patterns say is checked where they are read. */
export const filter: Check = (name, value) => {
  const patterns = Array.isArray(value) ? value : [value];
  if (typeof value === "function" || (patterns.length > 0 && patterns.every(isObject))) return;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be a function, a pattern or a list of patterns: got ${
      shown(value)
    }`,
  );
};

/**
 * The settings of the room of failures; undefined when no option asks for it, and nothing of it is loaded.
 *
 * @throws {TypeError} when `errors` and `onProcessError` are both given.
 */
export function failureSettings(options: WorkerOptions): FailureSettings | undefined {
  const { errors, batch, filter, concurrency, onProcessError } = options;
  if (errors !== undefined && onProcessError !== undefined) {
    throw new TypeError(
      "Cannot start worker: expected errors or onProcessError: got both: errors.onExhausted says what " +
        "becomes of a batch that failed too often",
    );
  }
  if (errors !== undefined) refuseAgeWithStop(errors);
  const given = [errors, batch, filter, concurrency];
  if (given.every((option) => option === undefined)) return undefined;
  const { retry = {} } = errors ?? {};
  const lanes = concurrencySettings(options);
  return {
    errors: {
      ...shorthand(options),
      ...(errors === undefined ? {} : {
        attempts: retry.attempts ?? Infinity,
        onExhausted: errors.onExhausted ?? "stop",
      }),
      delay: retry.delay,
      maxAgeMs: retry.maxAgeMs ?? Infinity,
      split: errors?.split ?? "none",
      partial: errors?.partial ?? false,
      callTimeoutMs: errors?.callTimeoutMs ?? Infinity,
    },
    batch: {
      // 100 and 6 MB: as in Lambda. 10,000: the most records of a read.
      size: batch?.size ?? (lanes.perShard > 1 ? 100 : 10_000),
      windowMs: batch?.windowMs ?? 0,
      bytes: batch?.bytes ?? 6_291_456,
    },
    concurrency: lanes,
    filter,
  };
}

/**
 * A record that is too old never gets younger: the shard would be stopped for as long as the record is there.
 */
function refuseAgeWithStop({ retry: { maxAgeMs = Infinity } = {}, onExhausted = "stop" }: ErrorPolicy): void {
  if (maxAgeMs === Infinity || onExhausted !== "stop") return;
  throw new TypeError(
    'Cannot start worker: expected errors.onExhausted to be "skip" or deadLetter(sink) beside ' +
      `errors.retry.maxAgeMs ${maxAgeMs}: got "stop", by which a record that is too old stops its shard for good`,
  );
}

/** What `onProcessError` means in terms of a policy: KCL's rule is to skip after one call. */
function shorthand(
  { onProcessError = "skip" }: WorkerOptions,
): Pick<FailureSettings["errors"], "attempts" | "onExhausted"> {
  switch (onProcessError) {
    case "skip":
      return { attempts: 0, onExhausted: "skip" };
    case "retry":
      return { attempts: Infinity, onExhausted: "stop" };
    case "stop":
      return { attempts: 0, onExhausted: "stop" };
  }
}

function concurrencySettings({ concurrency }: WorkerOptions): ConcurrencySettings {
  const perShard = concurrency?.perShard ?? 1;
  return { perShard, order: concurrency?.order ?? (perShard > 1 ? "key" : "shard") };
}

/** An object whose fields have these checks, and no others. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  return (name, value) => {
    if (!isObject(value)) {
      throw new TypeError(`Cannot start worker: expected ${name} to be an object: got ${shown(value)}`);
    }
    checkFields(`${name}.`, value, checks);
  };
}

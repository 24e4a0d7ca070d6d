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
const errorRules: Check = fields({
  retry: fields({
    attempts: number({ min: 0, isInteger: true, mayBeInfinite: true }),
    delay: functionThat("gives a pause in ms"),
    maxAgeMs: number({ min: 1, mayBeInfinite: true }),
  }),
  split: oneOf("none", "bisect"),
  partial: yesOrNo,
  onExhausted: (name, value) => {
    if (isObject(value) && value.type === "park") return parkAction(name, value);
    if (isObject(value)) return letters(name, value, '"stop", "skip", park({ then })');
    oneOf("stop", "skip", "deadLetter(sink)", "park({ then })")(name, value);
  },
  callTimeoutMs: number({ min: 1, mayBeInfinite: true }),
});

/** The option `batch`. */
const batches: Check = fields({
  size: number({ min: 1, max: 10_000, isInteger: true }),
  windowMs: number({ min: 0, max: 300_000 }),
  bytes: number({ min: 1 }),
});

/** The option `concurrency`. */
const lanes: Check = (name, value) => {
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
const filters: Check = (name, value) => {
  const patterns = Array.isArray(value) ? value : [value];
  if (typeof value === "function" || (patterns.length > 0 && patterns.every(isObject))) return;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be a function, a pattern or a list of patterns: got ${
      shown(value)
    }`,
  );
};

const CHECKS = { errors: errorRules, batch: batches, filter: filters, concurrency: lanes } as const;

/**
 * The settings of the room of failures; undefined when no option asks for it, and nothing of it is loaded.
 *
 * @throws {TypeError} when `errors` and `onProcessError` are both given.
 */
export function failureSettings(options: WorkerOptions): FailureSettings | undefined {
  const { errors, batch, filter, concurrency, onProcessError } = options;
  checkFields("", { errors, batch, filter, concurrency }, CHECKS);
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
      ...(errors === undefined ? shorthand(options) : afterFailures(options, lanes)),
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

function afterFailures(
  options: WorkerOptions,
  lanes: ConcurrencySettings,
): ExhaustionSettings & Pick<FailureSettings["errors"], "attempts"> {
  const after = exhaustion(options, lanes);
  return { attempts: options.errors?.retry?.attempts ?? (after.park === undefined ? Infinity : 0), ...after };
}

/** What `onProcessError` means in terms of a policy: KCL's rule is to skip after one call. */
function shorthand(
  { onProcessError = "skip" }: WorkerOptions,
): ExhaustionSettings & Pick<FailureSettings["errors"], "attempts"> {
  switch (onProcessError) {
    case "skip":
      return { attempts: 0, onExhausted: "skip", park: undefined };
    case "retry":
      return { attempts: Infinity, onExhausted: "stop", park: undefined };
    case "stop":
      return { attempts: 0, onExhausted: "stop", park: undefined };
  }
}

function concurrencySettings({ concurrency }: WorkerOptions): ConcurrencySettings {
  const perShard = concurrency?.perShard ?? 1;
  return { perShard, order: concurrency?.order ?? (perShard > 1 ? "key" : "shard") };
}

function letters(name: string, value: Readonly<Record<string, unknown>>, others: string): void {
  if (value.type !== "deadLetter" || !isObject(value.sink)) {
    throw new TypeError(
      `Cannot start worker: expected ${name} to be ${others} or deadLetter(sink): got an object`,
    );
  }
  text(`${name}.sink.name`, value.sink.name);
  objectWith("store")(`${name}.sink`, value.sink);
}

function parkAction(name: string, value: Readonly<Record<string, unknown>>): void {
  fields({
    type: oneOf("park"),
    records: number({ min: 1, max: 100_000, isInteger: true }),
    bytes: number({ min: 1 }),
    then: (then, what) => {
      if (isObject(what)) return letters(then, what, '"skip"');
      oneOf("skip", "deadLetter(sink)")(then, what);
    },
  })(name, { ...value, then: value.then ?? "nothing" });
}

/**
 * Parking, and what follows it. A parked record holds the checkpoint of its shard: only an age ends that.
 *
 * @throws {TypeError} when nothing would end it, or there are no keys to park.
 */
function exhaustion({ errors }: WorkerOptions, { order }: ConcurrencySettings): ExhaustionSettings {
  const { onExhausted = "stop", retry } = errors ?? {};
  if (typeof onExhausted !== "object" || onExhausted.type !== "park") return { onExhausted, park: undefined };
  const cannot = "Cannot start worker: errors.onExhausted park() needs";
  if ((retry?.maxAgeMs ?? Infinity) === Infinity) {
    throw new TypeError(
      `${cannot} errors.retry.maxAgeMs: a parked record holds the checkpoint of its shard: set how long, ` +
        "well below the retention of the stream",
    );
  }
  if (order !== "key") {
    throw new TypeError(`${cannot} concurrency.order "key": got "${order}": set { order: "key" }`);
  }
  // 8 MiB: some pages of a shard.
  const { records = 1000, bytes = 8_388_608, then } = onExhausted;
  return { onExhausted: then, park: { records, bytes } };
}

type ExhaustionSettings = Pick<FailureSettings["errors"], "onExhausted" | "park">;

/** An object whose fields have these checks, and no others. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  return (name, value) => {
    if (!isObject(value)) {
      throw new TypeError(`Cannot start worker: expected ${name} to be an object: got ${shown(value)}`);
    }
    checkFields(`${name}.`, value, checks);
  };
}

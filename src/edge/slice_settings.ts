// Pure.
/**
 * Checks what a slice may use, and divides it: how long the slice fetches, how long it stops, how many
 * requests are kept for stopping, how many shards fit.
 *
 * @module
 */

import { refuseUnknownNames } from "../nearest_name.ts";
import type { LeasesMode, SliceOptions } from "./slice_options.ts";

/** Options of a slice with all defaults filled in, and divided. */
export interface SliceSettings {
  readonly budgetMs: number;
  /** After this many ms of the slice nothing more is fetched, and processors are asked to finish. */
  readonly closeAfterMs: number;
  /** After this many ms processors that have not returned are left alone. */
  readonly abandonAfterMs: number;
  /** After this many ms the slice is over, whatever hangs: the reserve before the end of the budget. */
  readonly endAfterMs: number;
  readonly maxSubrequests: number;
  readonly maxConcurrentFetches: number;
  readonly maxShards: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly atEnd: "hold" | "release";
  readonly signal: AbortSignal | undefined;
}

/** What a slice's options are judged by. */
export interface SliceRule {
  readonly leases: LeasesMode;
  readonly failoverTimeMs: number;
  readonly retrievalMode: "POLLING" | "FANOUT";
}

/** The longest budget, in ms. Platforms give 15 minutes at the most; ours. */
export const LONGEST_BUDGET_MS = 3_600_000;
/** The least time for work, in ms: some calls to each service from far away. Ours. */
const LEAST_WORK_MS = 2000;
/** A subscription of enhanced fan-out takes five seconds to open again, and a call to open at all. Ours. */
const LEAST_FAN_OUT_BUDGET_MS = 60_000;
/**
 * Requests of a slice whatever its shards: lock, claim, query, leases, four as a leader, unlock, and three
 * for tries that fail. Ours.
 */
const FIXED_REQUESTS = 12;
/** Of those, the ones that come last: the leader's lock, and unlock, each with one that fails. */
export const LAST_REQUESTS = 4;
/** Renewal, iterator, one fetch, one checkpoint; and where leases come and go with each slice, those two. */
const REQUESTS_PER_SHARD: Readonly<Record<SliceSettings["atEnd"], number>> = { hold: 4, release: 6 };

/** The names that there are: one that is missing here does not compile. */
const NAMES: Readonly<Record<keyof SliceOptions, true>> = {
  budgetMs: true,
  reserveMs: true,
  maxSubrequests: true,
  maxConcurrentFetches: true,
  maxShards: true,
  maxRecords: true,
  maxBytes: true,
  atEnd: true,
  signal: true,
};

/**
 * Fills in and checks.
 *
 * @throws {TypeError} when an option is of the wrong kind or unknown, {@linkcode RangeError} when a number is
 * out of range, or too small for one shard.
 */
export function sliceSettings(options: SliceOptions, rule: SliceRule): SliceSettings {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${ACTION}: expected options: got ${options}: give at least budgetMs`);
  }
  refuseUnknownNames(Object.keys(options), Object.keys(NAMES), { action: ACTION });
  const { reserveMs = 3000, maxSubrequests = 900, maxConcurrentFetches = 4, maxShards = 8 } = options;
  const { maxRecords = 50_000, maxBytes = 33_554_432, budgetMs, signal } = options;
  const { atEnd = rule.leases === "relay" ? "release" : "hold" } = options;
  check("reserveMs", reserveMs, { min: 0 });
  const [least, why] = [reserveMs + LEAST_WORK_MS, "reserveMs and 2000 ms for one shard"];
  check("budgetMs", budgetMs, { min: least, max: LONGEST_BUDGET_MS, why });
  if (atEnd !== "hold" && atEnd !== "release") {
    throw new TypeError(`${ACTION}: expected atEnd to be "hold" or "release": got ${JSON.stringify(atEnd)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`${ACTION}: expected signal to be an AbortSignal: got ${typeof signal}`);
  }
  const leastRequests = FIXED_REQUESTS + REQUESTS_PER_SHARD[atEnd];
  check("maxSubrequests", maxSubrequests, {
    min: leastRequests,
    isInteger: true,
    why: "what one shard needs",
  });
  check("maxConcurrentFetches", maxConcurrentFetches, { min: 1, max: 100, isInteger: true });
  check("maxShards", maxShards, { min: 1, isInteger: true });
  check("maxRecords", maxRecords, { min: 1, isInteger: true });
  check("maxBytes", maxBytes, { min: 1, isInteger: true });
  checkRule(budgetMs, atEnd, rule);
  return {
    ...division(budgetMs, reserveMs),
    maxSubrequests,
    maxConcurrentFetches,
    maxShards: Math.min(maxShards, shardsThatFit(maxSubrequests, atEnd)),
    maxRecords,
    maxBytes,
    atEnd,
    signal,
  };
}

/** How the time of a slice is divided. */
function division(
  budgetMs: number,
  reserveMs: number,
): Pick<SliceSettings, "budgetMs" | "closeAfterMs" | "abandonAfterMs" | "endAfterMs"> {
  const endAfterMs = budgetMs - reserveMs;
  const stoppingMs = Math.min(Math.max(reserveMs, 500), endAfterMs / 3);
  return {
    budgetMs,
    closeAfterMs: endAfterMs - stoppingMs,
    abandonAfterMs: endAfterMs - stoppingMs / 2,
    endAfterMs,
  };
}

/** What is left for another slice within the limits of one; else the limit that is reached. */
export function limitsLeft(
  limits: SliceSettings,
  used: { readonly ms: number; readonly requests: number; readonly records: number },
): SliceSettings | "budget" | "requests" | "records" {
  const { budgetMs, endAfterMs, atEnd, maxShards } = limits;
  const reserveMs = budgetMs - endAfterMs;
  const maxSubrequests = limits.maxSubrequests - used.requests;
  const maxRecords = limits.maxRecords - used.records;
  if (budgetMs - used.ms < reserveMs + LEAST_WORK_MS) return "budget";
  if (shardsThatFit(maxSubrequests, atEnd) < 1) return "requests";
  if (maxRecords < 1) return "records";
  return {
    ...limits,
    ...division(budgetMs - used.ms, reserveMs),
    maxSubrequests,
    maxRecords,
    maxShards: Math.min(maxShards, shardsThatFit(maxSubrequests, atEnd)),
  };
}

/** How many shards a slice can read within a number of requests. */
export function shardsThatFit(maxSubrequests: number, atEnd: SliceSettings["atEnd"]): number {
  return Math.floor((maxSubrequests - FIXED_REQUESTS) / REQUESTS_PER_SHARD[atEnd]);
}

/**
 * How many requests are kept for stopping.
 *
 * @param held Shards that are read: each may store a last checkpoint.
 * @param toRelease Leases that are given up.
 */
export function requestsForStopping(held: number, toRelease: number): number {
  return LAST_REQUESTS + held + toRelease;
}

const ACTION = "Cannot run slice";

function checkRule(
  budgetMs: number,
  atEnd: SliceSettings["atEnd"],
  { leases, failoverTimeMs, retrievalMode }: SliceRule,
): void {
  if (retrievalMode === "FANOUT" && budgetMs < LEAST_FAN_OUT_BUDGET_MS) {
    throw new RangeError(
      `${ACTION}: budgetMs must be >= ${LEAST_FAN_OUT_BUDGET_MS} with enhanced fan-out: got ${budgetMs}: ` +
        'give more time, or set retrievalMode to "POLLING"',
    );
  }
  // A shard at its tip is left early in the slice, and its lease renewed again by the next.
  const mostMs = Math.floor(failoverTimeMs * 2 / 3);
  if (leases === "relay" && atEnd === "hold" && budgetMs > mostMs) {
    throw new RangeError(
      `${ACTION}: budgetMs must be <= ${mostMs}, two thirds of failoverTimeMs, with leases: "relay" that are ` +
        `kept at the end: got ${budgetMs}: give less time, or set atEnd to "release"`,
    );
  }
  if (leases === "hold" && failoverTimeMs < 2 * budgetMs) {
    throw new RangeError(
      `${ACTION}: failoverTimeMs must be >= 2 * budgetMs with leases: "hold": got ${failoverTimeMs}, and ` +
        `budgetMs ${budgetMs}: set it to twice the time between two ticks plus budgetMs, in all workers`,
    );
  }
}

function check(
  name: keyof SliceOptions,
  value: unknown,
  { min, max = Infinity, isInteger = false, why }: {
    readonly min: number;
    readonly max?: number;
    readonly isInteger?: boolean;
    readonly why?: string;
  },
): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`${ACTION}: expected ${name} to be a number: got ${typeof value}`);
  }
  if (value >= min && value <= max && value < Infinity && (!isInteger || Number.isInteger(value))) return;
  const range = max === Infinity ? `>= ${min}` : `${min} to ${max}`;
  const reason = why === undefined ? "" : `, ${why}`;
  throw new RangeError(
    `${ACTION}: ${name} must be ${isInteger ? "an integer " : ""}${range}${reason}: got ${value}`,
  );
}

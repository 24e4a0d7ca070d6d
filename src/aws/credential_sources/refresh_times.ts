// Pure.
/**
 * Decides when credentials are refreshed: early enough that a slow or failing source does no harm. From the
 * advisory time on a refresh is tried, and the old ones are kept if it fails. From the mandatory time on the
 * old ones are too near their end to be used.
 *
 * Source: AWS SDK for Java 2; its figures differ by source.
 *
 * @module
 */

/** The kind of source, as far as the refresh differs. */
export type RefreshRule =
  /** Given for a role by STS, or by what works like it. */
  | "role"
  /** The agent of ECS, EKS Pod Identity or Greengrass, which renews its credentials itself. */
  | "container"
  /** The instance metadata service, which renews its credentials itself. */
  | "instance"
  /** A function of the user's, of which nothing is known. */
  | "given";

/** When to refresh, in ms of wall time. Both lie after the time at which the credentials were given. */
export interface RefreshTimes {
  /** Try from then on; Infinity for never. */
  readonly advisoryEpochMs: number;
  /** Insist from then on; Infinity for never. */
  readonly mandatoryEpochMs: number;
}

/** What {@linkcode refreshTimes} decides from. */
export interface Freshness {
  readonly rule: RefreshRule;
  readonly nowEpochMs: number;
  readonly expiresEpochMs: number | undefined;
  /** A draw in [0, 1), so that the workers of a fleet that started together do not refresh together. */
  readonly chance: number;
}

const MINUTE_MS = 60_000;

/**
 * Fresh credentials are used for this long even if they claim to be past their end. Our clock may be wrong,
 * or a failing agent may return old ones. A new request for every call would not help.
 */
const LEAST_USE_MS = MINUTE_MS;

/**
 * How long credentials without an end are used before their source is called again, in ms. Ours, but for
 * instances.
 */
const ENDLESS_USE_MS: Readonly<Record<RefreshRule, number>> = {
  role: Infinity,
  container: Infinity,
  instance: 60 * MINUTE_MS,
  given: 15 * MINUTE_MS,
};

/** Decides when credentials that have just been given must be refreshed. */
export function refreshTimes({ rule, nowEpochMs, expiresEpochMs, chance }: Freshness): RefreshTimes {
  if (expiresEpochMs === undefined || expiresEpochMs === Infinity) {
    return { advisoryEpochMs: nowEpochMs + ENDLESS_USE_MS[rule], mandatoryEpochMs: Infinity };
  }
  const leastEpochMs = nowEpochMs + LEAST_USE_MS;
  const mandatoryEpochMs = Math.max(expiresEpochMs - (rule === "instance" ? 1000 : MINUTE_MS), leastEpochMs);
  const wanted = advisory(rule, nowEpochMs, expiresEpochMs);
  const earliest = Math.min(Math.max(wanted, leastEpochMs), mandatoryEpochMs);
  // Somewhere in the first half of the window, so that there is time for a second try.
  return { advisoryEpochMs: earliest + chance * (mandatoryEpochMs - earliest) / 2, mandatoryEpochMs };
}

/** How long to wait after the nth failure in a row, in ms: 0.1 s, doubling up to 10 s. */
export function refreshPauseMs(failures: number): number {
  return Math.min(10_000, 100 * 2 ** Math.min(failures - 1, 30));
}

function advisory(rule: RefreshRule, nowEpochMs: number, expiresEpochMs: number): number {
  switch (rule) {
    case "role":
    case "given":
      return expiresEpochMs - 5 * MINUTE_MS;
    case "container":
      return Math.min(nowEpochMs + 60 * MINUTE_MS, expiresEpochMs - 15 * MINUTE_MS);
    case "instance":
      return nowEpochMs + Math.max((expiresEpochMs - nowEpochMs) / 2, 5 * MINUTE_MS);
  }
}

// Pure.
/**
 * Decides when credentials are asked for again. Early enough that a slow or failing source hurts nobody: from
 * the advisory time on a refresh is tried and the old ones are kept if it fails; from the mandatory time on
 * the old ones are too near their end to be used.
 *
 * Source: AWS SDK for Java 2, whose figures differ by source.
 *
 * @module
 */

/** Where credentials come from, as far as their refresh differs. */
export type RefreshRule =
  /** Given for a role by STS, or by what works like it. */
  | "role"
  /** The agent of ECS, EKS Pod Identity or Greengrass, which renews them by itself. */
  | "container"
  /** The instance metadata service, which renews them by itself. */
  | "instance"
  /** A function of the user's, of which nothing is known. */
  | "given";

/** When to ask again, in ms of wall time. Both lie after the time at which the credentials were given. */
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
  /** A draw in [0, 1), so that a fleet that started together does not ask together. */
  readonly chance: number;
}

const MINUTE_MS = 60_000;

/**
 * Fresh credentials are used for this long even if they claim to be past their end: our clock may be wrong,
 * or an agent that is in trouble itself may hand out old ones, and asking again at every request would help
 * nobody.
 */
const LEAST_USE_MS = MINUTE_MS;

/**
 * How long credentials without an end are used before their source is asked again, in ms. Ours, but for
 * instances.
 */
const ENDLESS_USE_MS: Readonly<Record<RefreshRule, number>> = {
  role: Infinity,
  container: Infinity,
  instance: 60 * MINUTE_MS,
  given: 15 * MINUTE_MS,
};

/** Decides when credentials that have just been given are to be asked for again. */
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

/** How long to keep from asking after the nth failure in a row, in ms: 0.1 s, doubling up to 10 s. */
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

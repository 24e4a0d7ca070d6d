// Pure.
/**
 * How far the owner of a lease is behind, and how fast it is, as the lease itself has it: so every worker
 * can show all shards of its fleet. An owner writes it with its renewals and checkpoints.
 *
 * KCL for Java keeps attributes that it does not know. So what stands there counts only while the lease's
 * mark says that kclite wrote last: use `lease.progressOf()`.
 *
 * @module
 */

/**
 * What a lease's owner reports with its renewals.
 *
 * @experimental
 */
export interface LeaseProgress {
  /** How far behind the tip its processor is, in ms. Undefined until that is known. */
  readonly lagMs: number | undefined;
  /** Records that its processor returned from. Undefined until that was measured. */
  readonly recordsPerSecond: number | undefined;
}

/** `<lagMs>/<recordsPerSecond>`, as written in a lease, e.g. `4200/490.5`. Undefined if nothing is known. */
export function progressText({ lagMs, recordsPerSecond }: LeaseProgress): string | undefined {
  const text = `${figure(lagMs, 0)}/${figure(recordsPerSecond, 1)}`;
  return text === "/" ? undefined : text;
}

/** Reads {@linkcode progressText}. Undefined for any other text. */
export function progressIn(text: string): LeaseProgress | undefined {
  const [, lag, rate] = /^(\d{1,13})?\/(\d{1,13}(?:\.\d)?)?$/.exec(text) ?? [];
  if (lag === undefined && rate === undefined) return undefined;
  return { lagMs: numberIn(lag), recordsPerSecond: numberIn(rate) };
}

/** The greatest figure that is written: 13 digits, and no exponent. */
const MOST = 9_999_999_999_999;

function figure(value: number | undefined, decimals: number): string {
  if (value === undefined || !(value >= 0)) return "";
  return `${Number(Math.min(value, MOST).toFixed(decimals))}`;
}

function numberIn(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

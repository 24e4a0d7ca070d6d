// Pure.
/**
 * DynamoDB's numbers: decimals of up to 38 digits, exact. A `number` would lose digits of counters and
 * sequence numbers.
 *
 * Source: "Naming rules and data types" of the DynamoDB documentation.
 *
 * @module
 */

/** A number, `digits · 10^exponent`, with no zero at the end of its digits. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Reads a number; undefined when the text is none. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text) ?? [];
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`${whole}${fraction}`);
  return normal(sign === "-" ? -digits : digits, Number(exponent) - fraction.length);
}

/** Why DynamoDB does not take the number; undefined when it does. */
export function decimalProblem({ digits, exponent }: Decimal): string | undefined {
  const length = `${digits < 0n ? -digits : digits}`.length;
  const magnitude = exponent + length - 1;
  if (digits !== 0n && magnitude > 125) {
    return "Number overflow. Attempting to store a number with magnitude larger than supported range";
  }
  if (digits !== 0n && magnitude < -130) {
    return "Number underflow. Attempting to store a number with magnitude smaller than supported range";
  }
  return length > 38 ? "Attempting to store more than 38 significant digits in a Number" : undefined;
}

/** Below 0, 0, or above 0. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [left, right] = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The sum; with `factor` −1 the difference. */
export function addDecimals(a: Decimal, b: Decimal, factor: 1 | -1): Decimal {
  const [left, right, exponent] = aligned(a, b);
  return normal(left + BigInt(factor) * right, exponent);
}

/** Plain digits, as DynamoDB writes them. */
export function decimalText({ digits, exponent }: Decimal): string {
  if (exponent >= 0) return `${digits}${"0".repeat(digits === 0n ? 0 : exponent)}`;
  const sign = digits < 0n ? "-" : "";
  const text = `${digits < 0n ? -digits : digits}`.padStart(1 - exponent, "0");
  return `${sign}${text.slice(0, exponent)}.${text.slice(exponent)}`;
}

function normal(digits: bigint, exponent: number): Decimal {
  if (digits === 0n) return { digits, exponent: 0 };
  let [shorter, greater] = [digits, exponent];
  while (shorter % 10n === 0n) [shorter, greater] = [shorter / 10n, greater + 1];
  return { digits: shorter, exponent: greater };
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = (value: Decimal) => value.digits * 10n ** BigInt(value.exponent - exponent);
  return [scaled(a), scaled(b), exponent];
}

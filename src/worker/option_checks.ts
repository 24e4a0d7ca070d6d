// Pure.
/**
 * Checks of single options. Each returns the value, or throws a TypeError when it is of the wrong kind and a RangeError
 * when it is out of range.
 *
 * @module
 */

import type { InitialPosition } from "../stream/sequence_number.ts";

/** A text that is not empty. */
export function required(name: string, value: string | undefined): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be a text that is not empty: got ${shown(value)}`,
  );
}

/** Between what a number must be. */
export interface Limits {
  readonly min: number;
  readonly max?: number;
  readonly isInteger?: boolean;
}

/** A number within limits. */
export function number(name: string, value: number, limits: Limits): number {
  const { min, max = Infinity, isInteger = false } = limits;
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Cannot start worker: expected ${name} to be a number: got ${shown(value)}`);
  }
  if (value < min || value > max || (isInteger && !Number.isInteger(value))) {
    const wanted = max === Infinity ? `>= ${min}` : `${min} to ${max}`;
    throw new RangeError(
      `Cannot start worker: ${name} must be ${isInteger ? "an integer " : ""}${wanted}: got ${value}`,
    );
  }
  return value;
}

/** One of some words. */
export function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be one of ${
      allowed.map((text) => `"${text}"`).join(", ")
    }: got ${shown(value)}`,
  );
}

/** Where reading starts. */
export function position(name: string, value: InitialPosition): InitialPosition {
  const isDate = value instanceof Date && !Number.isNaN(value.getTime());
  if (isDate || value === "TRIM_HORIZON" || value === "LATEST") return value;
  throw new TypeError(
    `Cannot start worker: expected ${name} to be "TRIM_HORIZON", "LATEST" or a valid Date: got ${
      shown(value)
    }`,
  );
}

/** For people: texts in quotes. */
export function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

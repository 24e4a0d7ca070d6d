// Pure.
/**
 * Figures as people read them. Always with a point and without a locale: these lines are also searched by
 * programs.
 *
 * @module
 */

import { type ExtendedSequenceNumber, isSentinel, textOf } from "../stream/sequence_number.ts";

/** A span of time: `40 ms`, `3.2 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  // Decided on what will be shown, so that 999.6 ms is "1.0 s" and not "1000 ms".
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(seconds, 60, "min", "s");
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1440) return twoUnits(minutes, 60, "h", "min");
  return twoUnits(Math.round(ms / 3_600_000), 24, "d", "h");
}

/** An amount of data in units of 1024: `12 B`, `1.5 KiB`. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (amount < 1023.95) return unit === "B" ? `${Math.round(amount)} B` : `${amount.toFixed(1)} ${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(1)} TiB`;
}

/** A whole number with its thousands set apart: `1,234,567`. */
export function numberText(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: `1 shard`, `2 shards`. */
export function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A checkpoint short enough for a table: sequence numbers differ in their last digits, so these are kept. */
export function shortPosition(position: ExtendedSequenceNumber): string {
  const text = textOf(position);
  return isSentinel(position) || text.length <= 14 ? text : `…${text.slice(-13)}`;
}

function twoUnits(amount: number, size: number, large: string, small: string): string {
  const rest = amount % size;
  return `${Math.floor(amount / size)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

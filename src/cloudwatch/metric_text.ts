// Pure.
/**
 * Names and values as CloudWatch takes them. One bad value makes it refuse a whole request, so a worker's
 * name in another script would keep all metrics away.
 *
 * What CloudWatch takes as it is stays as it is, so that it meets what Java workers send.
 *
 * Source: CloudWatch API reference, Dimension, MetricDatum, PutMetricData.
 *
 * @module
 */

/** The most characters of a dimension's value, of a metric's name and of a namespace. */
const MAX_VALUE = 1024, MAX_NAME = 255;

/** What a dimension has in place of a value of spaces alone, which CloudWatch refuses. */
const EMPTY = "(empty)";

/** A dimension's value: what is no printable ASCII is written as in a URL. */
export function dimensionValue(text: string): string {
  return text.trim() === "" ? EMPTY : shortened(printable(text), MAX_VALUE);
}

/** A metric's name, by the same rule. */
export function metricName(text: string): string {
  return text.trim() === "" ? EMPTY : shortened(printable(text), MAX_NAME);
}

/** Whether metrics can be put into the namespace. Those that begin with `AWS/` are AWS's own. */
export function isNamespace(text: string): boolean {
  return text.length <= MAX_NAME && /^[^:][\x20-\x7e]*$/.test(text) && !/[^\x20-\x7e]/.test(text) &&
    text.trim() !== "" && !text.startsWith("AWS/");
}

function printable(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  let shown = "";
  for (const byte of new TextEncoder().encode(text)) {
    shown += byte >= 0x20 && byte <= 0x7e
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return shown;
}

/** Too long a text ends in a number made of all of it, so that two texts of one beginning stay two. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  let sum = 0x811c9dc5; // FNV-1a, a checksum
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return `${text.slice(0, most - 9)}~${sum.toString(16).padStart(8, "0")}`;
}

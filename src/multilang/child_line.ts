// Pure.
/**
 * Decides what a line on a child's stdout is: a message, or noise that the program printed.
 *
 * Values are coerced as Jackson coerces them. More tolerant than Java in two points, where Java skips the
 * line and waits for ever. A message may have unknown fields, and `checkpoint` may replace an absent
 * `sequenceNumber`.
 *
 * Source: KCL 3.5.1, `MessageReader`, `StatusMessage` and `CheckpointMessage`.
 *
 * @module
 */

import { type JsonField, jsonFields } from "./json_fields.ts";

/** The child has finished an action. */
export interface StatusMessage {
  readonly type: "status";
  /** The action that it answers, as it names it. */
  readonly responseFor: string | null;
}

/** The child requests a checkpoint. */
export interface CheckpointRequest {
  readonly type: "checkpoint";
  /** Null: everything delivered up to now. Any text: the child may have sent nonsense. */
  readonly sequenceNumber: string | null;
  readonly subSequenceNumber: bigint | null;
  /** Whether the sequence number had the old name `checkpoint`. */
  readonly isAlias: boolean;
}

/** What a child may say. */
export type ChildMessage = StatusMessage | CheckpointRequest;

/** Reads a line that is not empty. @returns Undefined for noise. */
export function readChildLine(line: string): ChildMessage | undefined {
  const fields = jsonFields(line);
  const action = fields?.get("action");
  if (fields === undefined || action?.kind !== "string") return undefined;
  switch (action.text) {
    case "status": {
      const responseFor = textOf(fields.get("responseFor"));
      return responseFor === undefined ? undefined : { type: "status", responseFor };
    }
    case "checkpoint": {
      const isAlias = !fields.has("sequenceNumber") && fields.has("checkpoint");
      const sequenceNumber = textOf(fields.get(isAlias ? "checkpoint" : "sequenceNumber"));
      const subSequenceNumber = longOf(fields.get("subSequenceNumber"));
      if (sequenceNumber === undefined || subSequenceNumber === undefined) return undefined;
      return { type: "checkpoint", sequenceNumber, subSequenceNumber, isAlias };
    }
    default:
      return undefined;
  }
}

/** A Java `String`: a number or boolean keeps its digits; an absent one is null. Undefined: cannot be one. */
function textOf(field: JsonField | undefined): string | null | undefined {
  switch (field?.kind) {
    case undefined:
    case "null":
      return null;
    case "object":
    case "array":
      return undefined;
    default:
      return field?.text;
  }
}

/** A Java `Long`: from digits in quotes too, "" being null, a fraction cut off. Undefined: cannot be one. */
function longOf(field: JsonField | undefined): bigint | null | undefined {
  switch (field?.kind) {
    case undefined:
    case "null":
      return null;
    case "string": {
      const text = field?.text.trim() ?? "";
      return text === ""
        ? null
        : /^[+-]?\d{1,19}$/.test(text)
        ? inLong(BigInt(text.replace("+", "")))
        : undefined;
    }
    case "number": {
      const text = field?.text ?? "";
      // Not unseen: a child may write millions of digits, which BigInt would read for seconds.
      if (/^-?\d{1,20}$/.test(text)) return inLong(BigInt(text));
      const number = Math.trunc(Number(text));
      return Number.isFinite(number) ? inLong(BigInt(number)) : undefined;
    }
    default:
      return undefined;
  }
}

function inLong(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

// Pure.
/**
 * What of a table could not be read, and which permission that lacks.
 *
 * @module
 */

import { errorText, isAwsError } from "../errors.ts";

/** A part of a look that failed. */
export interface LookFailure {
  readonly part: "table" | "leases" | "workers" | "lock" | "format";
  readonly error: unknown;
  /** The IAM action that is refused, e.g. `dynamodb:DescribeTable`. Undefined for any other failure. */
  readonly missingAction: string | undefined;
}

/** What a refusal says is missing. */
export function missingAction(error: unknown): string | undefined {
  return isAwsError(error, "AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
    ? `${error.service}:${error.operation}`
    : undefined;
}

/** A part that could not be read, for people. */
export function failureText({ part, error }: LookFailure): string {
  return failureOf(PARTS[part], error);
}

/** The same of anything else, e.g. `The shards`. */
export function failureOf(what: string, error: unknown): string {
  const action = missingAction(error);
  return `${what} could not be read: ${action === undefined ? errorText(error) : `allow ${action}`}`;
}

const PARTS: Readonly<Record<LookFailure["part"], string>> = {
  table: "The settings of the table",
  leases: "The leases",
  workers: "The workers",
  lock: "The leader's lock",
  format: "The format of the table",
};

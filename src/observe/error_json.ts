// Pure.
/**
 * Makes errors survive `JSON.stringify`, which shows only the properties that were added to an `Error`. A
 * listener that writes events as JSON would write `"error":{}`.
 *
 * @module
 */

import { errorClass, errorCode, errorText } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import { errorLine } from "./one_line.ts";

/** What is shown of an error in JSON. Without credentials; the message holds the chain of causes. */
export interface ErrorJson {
  /** The class, e.g. `TypeError`. */
  readonly name: string;
  readonly message: string;
  /** Of AWS (`ThrottlingException`) or of the system (`ECONNREFUSED`). */
  readonly code: string | undefined;
}

/** An error for JSON. Never throws, whatever was thrown. */
export function errorJson(error: unknown): ErrorJson {
  return { name: errorClass(error), message: errorLine(error), code: errorCode(error) };
}

/**
 * The event, with an error that survives `JSON.stringify`, also if the event is copied before. An error
 * without `toJSON` gets one, hidden from a list of its properties. Any other value that cannot be stringified
 * becomes the `cause` of an error.
 */
export function withErrorJson(event: WorkerEvent): WorkerEvent {
  if (!("error" in event) || event.error === undefined) return event;
  const error = stringifiable(event.error);
  return error === event.error ? event : { ...event, error };
}

function stringifiable(error: unknown): unknown {
  try {
    if (error instanceof Error) return "toJSON" in error ? checked(error) : withToJson(error, error);
    return checked(error);
  } catch {
    const shown = new Error(errorText(error), { cause: error });
    return withToJson(shown, shown);
  }
}

/** @throws when the value cannot be stringified, would be left out, or would say nothing. */
function checked(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined || text === "{}") throw new TypeError("JSON says nothing of this value");
  return value;
}

function withToJson(target: Error, error: Error): Error {
  // A frozen error cannot be changed: an object that inherits from it is used instead.
  const own = Object.isExtensible(target) ? target : Object.create(target);
  return Object.defineProperty(own, "toJSON", {
    value: () => errorJson(error),
    enumerable: false,
    configurable: true,
  });
}

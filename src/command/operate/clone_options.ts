// Pure.
/**
 * The options of `kclite clone`.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import type { StreamReference } from "../../aws/kinesis.ts";
import { targetOf, type TargetPosition } from "../../operate/change/positions.ts";
import { type CommandOption, flag, option, readTime, type ValueKind } from "./command_spec.ts";

/** The names that DynamoDB takes. */
const NAME: ValueKind<string> = {
  label: "NAME",
  expected: 'a name of 3 to 255 letters, digits, "_", "." and "-"',
  read: (text) => /^[\w.-]{3,255}$/.test(text) ? text : undefined,
};

/** A position that all shards have: no sequence number. */
const TIME_OF_ALL: ValueKind<TargetPosition> = {
  label: "POSITION",
  expected: "earliest, latest, or a time such as 2026-01-30T12:00:00Z",
  read: (text) => {
    const target = targetOf(text, readTime);
    return target?.type === "sequenceNumber" ? undefined : target;
  },
};

/** A stream by name or ARN. */
const STREAM: ValueKind<StreamReference> = {
  label: "STREAM",
  expected: "the name or the ARN of a stream",
  read: (text) => {
    if (/^[\w.-]{1,128}$/.test(text)) return { streamName: text, streamArn: undefined };
    try {
      return { streamName: parseStreamArn(text).streamName, streamArn: text };
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  },
};

/** The new application. */
export const AS: CommandOption<string> = option(
  "as",
  NAME,
  "the new application, which is also the name of its lease table",
);

/** Where it begins. */
export const AT: CommandOption<TargetPosition> = option(
  "at",
  TIME_OF_ALL,
  "begins at earliest, latest or a time, in place of the same positions",
);

/** What it reads. */
export const TO_STREAM: CommandOption<StreamReference> = option(
  "to-stream",
  STREAM,
  "reads another stream with the same records, by name or ARN",
);

/** Whether anything is written. */
export const EXECUTE: CommandOption<true> = flag("execute", "writes; without it the plan is only printed");

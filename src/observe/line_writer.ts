/**
 * Writes log lines, as text or as JSON, to a function that takes text. Never throws: the disk may be full, or
 * the reader of a pipe may have ended, and the worker must continue.
 *
 * @module
 */

import { errorClass, errorCode } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import { parseIdentifier } from "../stream/stream_identifier.ts";
import type { Clock } from "../system.ts";
import { counted } from "./format.ts";
import type { LogLevel, LogLine } from "./log_lines.ts";
import { oneLine } from "./one_line.ts";

/** How lines look. */
export type LogFormat =
  /** `2026-01-30T12:00:00.000Z WARNING shardId-000000000000: lease lost: …` */
  | "text"
  /** One {@linkcode LogRecord} a line. */
  | "json";

/** A line in JSON. What does not apply is left out. */
export interface LogRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** How much the line matters. */
  readonly level: LogLevel;
  /** The event's type; undefined for lines that are about no event. */
  readonly type: WorkerEvent["type"] | undefined;
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string | undefined;
  /** The stream's name. */
  readonly stream: string | undefined;
  /** The same text as in the other format. */
  readonly message: string;
  /** The class of the event's error, e.g. `TypeError`. */
  readonly errorClass: string | undefined;
  /** Of AWS (`ThrottlingException`) or of the system (`ECONNREFUSED`). */
  readonly errorCode: string | undefined;
  /** The code of the fault that has begun or ended, as `/health` names it. */
  readonly fault: string | undefined;
}

/** Levels from the least to the most important. */
const LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** Whether lines of a level are written. `least` is the least important level that is. */
export function isWritten(level: LogLevel, least: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/** Writes one line, and the event that it is about, if its level is to be written. */
export type LineWriter = (line: LogLine, event?: WorkerEvent) => void;

/** What a {@linkcode LineWriter} uses. */
export interface LineWriterOptions {
  readonly clock: Clock;
  /** The least important level that is written, read at each line. */
  readonly least: () => LogLevel;
  /** How lines look, read at each line. @default {() => "text"} */
  readonly format?: () => LogFormat;
}

/** Room for a refusal that lists what was tried, in UTF-16 units. Ours. */
const MOST_CHARACTERS = 8000;

/**
 * Makes the writer. Lines that cannot be written are counted; the next line that can be written is preceded
 * by their number.
 *
 * @param write Gets each line, without a line break. If it throws or rejects, the line counts as not written.
 */
export function lineWriter(
  write: (text: string) => void,
  { clock, least, format = () => "text" }: LineWriterOptions,
): LineWriter {
  let lost = 0;
  let streamName: string | undefined;
  const put = (line: LogLine, event: WorkerEvent | undefined) => {
    const { level } = line;
    // Every line passes here: also those with configuration values, or text of a user's code.
    const text = oneLine(line.text, MOST_CHARACTERS);
    const time = new Date(clock.epochMs()).toISOString();
    const answer: unknown = write(
      format() === "text"
        ? `${time} ${level.toUpperCase().padEnd(7)} ${text}`
        : JSON.stringify(recordOf({ level, text }, { time, event, streamName })),
    );
    if (answer instanceof Promise) answer.catch(() => lost++);
  };
  return (line, event) => {
    if (event?.type === "workerStarting") ({ streamName } = event);
    if (!isWritten(line.level, least())) return;
    try {
      if (lost > 0) {
        put({ level: "error", text: `${counted(lost, "line")} of this log could not be written` }, undefined);
        lost = 0;
      }
      put(line, event);
    } catch {
      lost++;
    }
  };
}

function recordOf(
  { level, text }: LogLine,
  { time, event, streamName }: {
    readonly time: string;
    readonly event: WorkerEvent | undefined;
    readonly streamName: string | undefined;
  },
): LogRecord {
  const leaseKey = event !== undefined && "leaseKey" in event ? event.leaseKey : undefined;
  const error = event !== undefined && "error" in event ? event.error : undefined;
  const code = event !== undefined && "code" in event ? event.code : undefined;
  const isFault = event?.type === "faultBegan" || event?.type === "faultEnded";
  return {
    time,
    level,
    type: event?.type,
    leaseKey,
    stream: event === undefined ? undefined : streamName ?? streamOf(event, leaseKey),
    message: text,
    errorClass: error === undefined ? undefined : errorClass(error),
    errorCode: error === undefined ? isFault ? undefined : code : errorCode(error),
    fault: isFault ? code : undefined,
  };
}

/** Of many streams the lease key says which: it is `account:stream:epoch:shard`. */
function streamOf(event: WorkerEvent, leaseKey: string | undefined): string | undefined {
  const identifier = "streamIdentifier" in event
    ? event.streamIdentifier
    : leaseKey?.slice(0, Math.max(0, leaseKey.lastIndexOf(":")));
  return identifier === undefined ? undefined : parseIdentifier(identifier)?.streamName;
}

/**
 * The faults of the emulator, by operation: for a number of calls, or with a probability.
 *
 * @module
 */

import type { WrongField } from "./wrong_field.ts";

/** What goes wrong with a call. */
export type AwsFault =
  /** Refused for too many calls; not done. @default {code: "ProvisionedThroughputExceededException"} */
  | { readonly type: "throttled"; readonly code?: string | undefined }
  /** Refused with any other code; not done. @default {status: 400} */
  | {
    readonly type: "refused";
    readonly code: string;
    readonly status?: number | undefined;
    readonly message?: string | undefined;
  }
  /** HTTP 500 as the service words it; not done. */
  | { readonly type: "internal" }
  /** HTTP 503 with the page of a proxy; not done. */
  | { readonly type: "unavailable" }
  /** The connection breaks before the call is done. */
  | { readonly type: "dropped" }
  /** The call is done, but the connection breaks before its answer. */
  | { readonly type: "answerLost" }
  /** Nothing is ever answered. @default {isDone: false} */
  | { readonly type: "hanging"; readonly isDone?: boolean | undefined }
  /** The call is done immediately, and answered this many ms later. */
  | { readonly type: "slow"; readonly ms: number }
  /** Done, and answered with a wrong `x-amz-crc32`. */
  | { readonly type: "wrongChecksum" }
  /** Done, and answered with the first half of the body. */
  | { readonly type: "truncated" }
  /**
   * Done, and answered with a field that is missing or wrong. SubscribeToShard: in the event after this
   * number of events.
   * @default {after: 0}
   */
  | (WrongField & { readonly type: "wrongField"; readonly after?: number | undefined })
  /**
   * BatchWriteItem and BatchGetItem: this many of the last items are returned as unprocessed. @default
   * {count: 1}
   */
  | { readonly type: "unprocessed"; readonly count?: number | undefined }
  /**
   * TransactWriteItems: not done, since one of its parts met something else; `part` counts from 0.
   * @default {part: 0, code: "TransactionConflict"}
   */
  | { readonly type: "cancelled"; readonly part?: number | undefined; readonly code?: string | undefined }
  /** GetRecords and SubscribeToShard: the end of a shard names no children. */
  | { readonly type: "noChildren" }
  | SubscriptionFault;

/** A fault within an answer to SubscribeToShard, after a number of events. */
export type SubscriptionFault =
  & {
    /** How many events come before it. @default {0} */
    readonly after?: number | undefined;
  }
  & (
    /** It stays open and says no more. */
    | { readonly type: "silent" }
    /** It ends inside of the next event's frame. */
    | { readonly type: "halfFrame" }
    /** The next event's frame is damaged. */
    | { readonly type: "damagedFrame" }
    /** The connection breaks. */
    | { readonly type: "cut" }
    /** It ends in order, before its time. */
    | { readonly type: "ended" }
    /** It ends with an error that comes as a frame. */
    | { readonly type: "exception"; readonly code: string }
  );

/** Which calls meet a fault. */
export interface FaultChoice {
  /** How many calls; `Infinity` until `clear()`. @default {1} */
  readonly times?: number | undefined;
  /** Which part of the calls that it is meant for meets it, from 0 to 1. @default {1} */
  readonly probability?: number | undefined;
  /** Only calls whose input it likes. Bytes in JSON are base64 text. */
  readonly when?: ((input: Readonly<Record<string, unknown>>) => boolean) | undefined;
}

/** No more faults may wait than that. */
const MAX_WAITING = 1000;

/** See the module. */
export class AwsFaults {
  readonly #operations: ReadonlySet<string>;
  readonly #random: () => number;
  #waiting: { readonly operation: string; readonly fault: AwsFault & FaultChoice; times: number }[] = [];
  readonly #met = new Map<string, number>();

  /**
   * `simulatedAws()` makes it.
   *
   * @param operations All there are.
   */
  constructor(operations: Iterable<string>, random: () => number) {
    this.#operations = new Set(operations);
    this.#random = random;
  }

  /**
   * The next calls of an operation get a fault. If several faults wait, the first one is used first.
   *
   * @param operation Such as `GetRecords`, or `*` for any.
   * @throws {TypeError} when there is no such operation, or when the fault makes no sense for it.
   * @throws {RangeError} when 1000 are waiting already, or a number cannot be used.
   */
  next(operation: string, fault: AwsFault & FaultChoice): void {
    const { times = 1, probability = 1 } = fault;
    if (operation !== "*" && !this.#operations.has(operation)) {
      throw new TypeError(`Cannot add a fault: expected an operation that is answered: got "${operation}"`);
    }
    if (fault.type === "wrongField" && typeof fault.field !== "string") {
      throw new TypeError(
        `Cannot add fault "wrongField": expected field such as "Records.0.Data": got ${fault.field}`,
      );
    }
    const fits = fitting(fault.type);
    if (fits !== undefined && !fits.includes(operation)) {
      throw new TypeError(`Cannot add fault "${fault.type}" to ${operation}: expected ${fits.join(" or ")}`);
    }
    if (operation === "SubscribeToShard" && UNFIT_FOR_STREAMS.has(fault.type)) {
      throw new TypeError(
        `Cannot add fault "${fault.type}" to ${operation}: expected one for streams, such as "cut"`,
      );
    }
    if (!(times >= 1) || !(probability > 0 && probability <= 1)) {
      throw new RangeError(
        `Cannot add a fault: expected times >= 1 and probability in (0, 1]: got ${times} and ${probability}`,
      );
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new RangeError(`Cannot add a fault: expected at most ${MAX_WAITING} to wait: clear() some`);
    }
    this.#waiting.push({ operation, fault, times });
  }

  /** Everything works again, or everything of one operation does. */
  clear(operation?: string): void {
    this.#waiting = this.#waiting.filter((entry) => operation !== undefined && entry.operation !== operation);
  }

  /** How many calls have met a fault: of one operation, or of all. */
  met(operation?: string): number {
    if (operation !== undefined) return this.#met.get(operation) ?? 0;
    return [...this.#met.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The fault of this call, which is used up by it. */
  take(operation: string, input: Readonly<Record<string, unknown>>): AwsFault | undefined {
    const entry = this.#waiting.find(({ operation: wanted, fault: { when, probability = 1 } }) =>
      (wanted === operation || wanted === "*") && (when?.(input) ?? true) &&
      (probability === 1 || this.#random() < probability)
    );
    if (entry === undefined) return undefined;
    if (--entry.times <= 0) this.#waiting = this.#waiting.filter((other) => other !== entry);
    this.#met.set(operation, this.met(operation) + 1);
    return entry.fault;
  }
}

/** What spoils an answer as a whole cannot spoil one that does not end. */
const UNFIT_FOR_STREAMS: ReadonlySet<AwsFault["type"]> = new Set([
  "answerLost",
  "slow",
  "wrongChecksum",
  "truncated",
]);

/** The operations that a fault is for; undefined: any. */
function fitting(type: AwsFault["type"]): readonly string[] | undefined {
  switch (type) {
    case "silent":
    case "halfFrame":
    case "damagedFrame":
    case "cut":
    case "ended":
    case "exception":
      return ["SubscribeToShard"];
    case "noChildren":
      return ["GetRecords", "SubscribeToShard"];
    case "cancelled":
      return ["TransactWriteItems"];
    case "unprocessed":
      return ["BatchWriteItem", "BatchGetItem"];
    default:
      return undefined;
  }
}

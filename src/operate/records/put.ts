/**
 * Puts lines into a stream, in batches, one after the other.
 *
 * Of a batch of which Kinesis took a part, only the rest is put again, before any later line. So the order of
 * lines with one key is kept, but among those of one batch of which some were refused. A call whose answer is
 * lost is made again, so a record may be put twice.
 *
 * @module
 */

import { settlesWithin, unlessAborted } from "../../async/waiting.ts";
import type { StreamReference } from "../../aws/kinesis.ts";
import { type KinesisWrites, type NewRecord, PUT_LIMITS, type PutOutcome } from "../../aws/kinesis_writes.ts";
import { backoffMs } from "../../aws/retry.ts";
import { isAwsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import { type InputLine, LineCutter } from "./input_lines.ts";
import { type KeySource, partitionKeyOf } from "./partition_keys.ts";

/** What is put, and where. */
export interface PutOptions {
  readonly writes: KinesisWrites;
  readonly stream: StreamReference;
  readonly system: System;
  readonly input: AsyncIterable<Uint8Array>;
  readonly keys: KeySource;
  /** Called for each line that cannot be put, with the reason, for people. */
  readonly onRefused: (line: number, problem: string) => void;
  /** Called with the records that are put by now. */
  readonly onProgress: (done: number) => void;
}

/** What was done. */
export interface PutResult {
  readonly putRecords: number;
  /** Of payloads. */
  readonly putBytes: number;
  /** Lines without a character: there is nothing to put. */
  readonly emptyLines: number;
  /** Lines that can be no record. */
  readonly refusedLines: number;
  /** The first line that was not put, when it ended before the input did. */
  readonly stoppedAtLine: number | undefined;
  /** Whether lines behind that one are put already: of its batch a part was taken. */
  readonly isPartlyPut: boolean;
  /** Records that were put again, since Kinesis took them not at first. */
  readonly retriedRecords: number;
  readonly shards: number;
  /** What ended it before the input did. */
  readonly failure: unknown;
}

/** A line that is ready to be put. */
interface ReadyLine extends NewRecord {
  readonly line: number;
}

/**
 * The most of a call, unless one record is larger. Kinesis takes more. But a call must arrive in its time
 * limit on a slow line too, and what people see moves on.
 */
const BATCH_BYTES = 2 * 1024 ** 2;

/** A stream takes these only where it is set so. Alone, it is refused alone. */
const COMMON_BYTES = 1024 ** 2;

/** What has come is put when nothing more comes for this time, in ms. */
const LINGER_MS = 100;

/** A batch of which nothing more is taken for this many times in a row is given up. */
const MOST_ATTEMPTS = 10;

/** The first pause, and the longest, in ms. A shard takes 1 MiB or 1000 records in each second. */
const PAUSE = { baseMs: 200, maxMs: 5000 };

/**
 * Puts all lines. A batch under way is put to its end.
 *
 * @param signal Ends it, before the next batch.
 */
export async function putLines(options: PutOptions, signal: AbortSignal): Promise<PutResult> {
  const putting = new Putting(options, signal);
  await putting.run();
  return putting.result;
}

class Putting {
  readonly #options: PutOptions;
  readonly #signal: AbortSignal;
  readonly #shards = new Set<string>();
  #batch: ReadyLine[] = [];
  #batchBytes = 0;
  #putRecords = 0;
  #putBytes = 0;
  #emptyLines = 0;
  #refusedLines = 0;
  #retriedRecords = 0;
  #failure: unknown;
  /** How many lines were seen. */
  #lines = 0;
  #isPartlyPut = false;

  constructor(options: PutOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get result(): PutResult {
    return {
      putRecords: this.#putRecords,
      putBytes: this.#putBytes,
      emptyLines: this.#emptyLines,
      refusedLines: this.#refusedLines,
      stoppedAtLine: this.#failure === undefined ? undefined : this.#batch[0]?.line ?? this.#lines + 1,
      isPartlyPut: this.#isPartlyPut,
      retriedRecords: this.#retriedRecords,
      shards: this.#shards.size,
      failure: this.#failure,
    };
  }

  async run(): Promise<void> {
    const { input, system: { clock } } = this.#options;
    const cutter = new LineCutter(PUT_LIMITS.bytes);
    const pieces = input[Symbol.asyncIterator]();
    try {
      for (;;) {
        const coming = pieces.next();
        if (this.#batch.length > 0 && !await settlesWithin(coming, LINGER_MS, clock)) await this.#put();
        const piece = await unlessAborted(coming, this.#signal);
        for (const line of piece.done ? cutter.end() : cutter.push(piece.value)) await this.#add(line);
        if (piece.done) break;
      }
      await this.#put();
    } catch (error) {
      this.#failure = error;
    }
  }

  async #add({ number, data }: InputLine): Promise<void> {
    const { keys, system: { random }, onRefused } = this.#options;
    this.#lines = number - 1;
    const refuse = (problem: string) => {
      this.#lines = number;
      this.#refusedLines++;
      onRefused(number, problem);
    };
    if (data === undefined) return refuse(`it is longer than ${PUT_LIMITS.bytes} bytes`);
    if (data.length === 0) {
      this.#lines = number;
      this.#emptyLines++;
      return;
    }
    const outcome = partitionKeyOf(keys, data, random);
    if ("problem" in outcome) return refuse(outcome.problem);
    const ready = { line: number, data, partitionKey: outcome.key };
    const bytes = bytesOf(ready);
    if (bytes > PUT_LIMITS.bytes) return refuse(`with its key it is longer than ${PUT_LIMITS.bytes} bytes`);
    const isAlone = bytes > COMMON_BYTES;
    if (isAlone || this.#batchBytes + bytes > BATCH_BYTES) await this.#put();
    this.#batch.push(ready);
    this.#batchBytes += bytes;
    this.#lines = number;
    if (isAlone || this.#batch.length === PUT_LIMITS.records) await this.#put();
  }

  /** Puts the batch. @throws the signal's reason before anything is sent; what ends the whole. */
  async #put(): Promise<void> {
    const { writes, stream, system: { clock, random }, onRefused, onProgress } = this.#options;
    let attempt = 0;
    while (this.#batch.length > 0) {
      this.#signal.throwIfAborted();
      let outcomes: readonly PutOutcome[];
      try {
        // Without the signal: what is under way is counted.
        outcomes = await writes.putRecords(stream, this.#batch);
      } catch (error) {
        const [only, ...others] = this.#batch;
        if (only === undefined || others.length > 0 || !isAwsError(error, ...REFUSALS)) throw error;
        this.#refusedLines++;
        onRefused(only.line, error.message);
        this.#keep([]);
        return;
      }
      const rest = this.#batch.filter((_, at) => outcomes[at]?.isPut === false);
      this.#count(outcomes);
      onProgress(this.#putRecords);
      const isSomePut = rest.length < this.#batch.length;
      attempt = isSomePut ? 1 : attempt + 1;
      this.#isPartlyPut = rest.length > 0 && (isSomePut || this.#isPartlyPut);
      this.#keep(rest);
      if (rest.length === 0) return;
      this.#retriedRecords += rest.length;
      if (attempt >= MOST_ATTEMPTS) throw notTaken(outcomes, rest.length);
      await clock.sleep(backoffMs({ ...PAUSE, attempt, chance: (1 + random()) / 2 }), this.#signal);
    }
  }

  #count(outcomes: readonly PutOutcome[]): void {
    for (const [at, outcome] of outcomes.entries()) {
      if (!outcome.isPut) continue;
      this.#putRecords++;
      this.#putBytes += this.#batch[at]?.data.length ?? 0;
      if (outcome.shardId !== undefined) this.#shards.add(outcome.shardId);
    }
  }

  #keep(lines: ReadyLine[]): void {
    this.#batch = lines;
    this.#batchBytes = lines.reduce((sum, line) => sum + bytesOf(line), 0);
  }
}

/** How Kinesis refuses a record that is larger than its stream allows. */
const REFUSALS = ["InvalidArgumentException", "ValidationException"] as const;

const UTF8 = new TextEncoder();

/** As Kinesis counts them. */
function bytesOf({ data, partitionKey }: NewRecord): number {
  return data.length + UTF8.encode(partitionKey).length;
}

function notTaken(outcomes: readonly PutOutcome[], count: number): Error {
  const refused = outcomes.find((outcome) => !outcome.isPut);
  const why = refused === undefined ? "" : `: ${refused.code}: ${refused.detail}`;
  return new Error(`Cannot put ${count} records: Kinesis did not take them in ${MOST_ATTEMPTS} tries${why}`);
}

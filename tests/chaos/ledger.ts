/**
 * Judges a chaos run from what its workers wrote down: which records were processed, by which hold of a lease, and how each
 * hold ended.
 *
 * Two faults can be proven from this alone. A record is *lost* when it was put and no processor ever returned from it. A record is
 * *repeated after an orderly end* when a later hold gets it although the hold that processed it had stored a checkpoint at its
 * end. Other repeats are what at-least-once delivery allows: they follow a kill, a pause or a lost lease.
 *
 * @module
 */

/** One line that a processor writes down; all processes of a run are on one machine, so their clocks agree. */
export interface ChaosLine {
  /** One consumer of one shard in one process. */
  readonly hold: string;
  /**
   * `processed`: `processRecords` is about to return for `texts`. `checkpointed`: a checkpoint of all records so far was
   * stored. `ended`: the same in the last callback, `shutdownRequested` or `shardEnded`.
   */
  readonly what: "processed" | "checkpointed" | "ended";
  /** Epoch ms: when the batch was entered, or when the checkpoint was confirmed. */
  readonly atMs: number;
  readonly texts?: readonly string[];
}

/** What a run came to. */
export interface ChaosSums {
  readonly records: number;
  /** Put and never processed. */
  readonly lost: number;
  /** The first twenty of them, for people. */
  readonly lostTexts: readonly string[];
  /** Processed, but never put. */
  readonly unknown: number;
  /** Processed by more than one hold, for whatever reason. */
  readonly repeated: number;
  /** Entered by a hold after another hold had processed it and ended in order. */
  readonly duplicatesAfterOrderlyEnds: number;
  /** Entered by a hold after another hold had stored a checkpoint behind it. */
  readonly duplicatesAfterCheckpoints: number;
  readonly orderlyEnds: number;
  /** The first ten records that were entered after such an end or checkpoint, with all their holds. */
  readonly examples: readonly string[];
}

/** @param lines In the order in which each hold wrote them; those of different holds may be mixed in any order. */
export function sumsOf(put: ReadonlySet<string>, lines: readonly ChaosLine[]): ChaosSums {
  const holds = new Map<string, Hold>();
  for (const line of lines) {
    let hold = holds.get(line.hold);
    if (hold === undefined) holds.set(line.hold, hold = new Hold(line.hold));
    hold.add(line);
  }
  const processings = new Map<string, Processing[]>();
  for (const hold of holds.values()) {
    for (const processing of hold.processings) {
      const others = processings.get(processing.text);
      if (others === undefined) processings.set(processing.text, [processing]);
      else others.push(processing);
    }
  }
  const lost = [...put].filter((text) => !processings.has(text));
  const several = [...processings.values()].map(byHold).filter((each) => each.length > 1);
  return {
    records: put.size,
    lost: lost.length,
    lostTexts: lost.slice(0, 20),
    unknown: [...processings.keys()].filter((text) => !put.has(text)).length,
    repeated: several.length,
    duplicatesAfterOrderlyEnds:
      several.filter((each) => isEnteredAfter(each, ({ endedMs }) => endedMs)).length,
    duplicatesAfterCheckpoints: several.filter((each) => isEnteredAfter(each, ({ safeMs }) => safeMs)).length,
    orderlyEnds: [...holds.values()].filter(({ isOrderly }) => isOrderly).length,
    examples: several.filter((each) => isEnteredAfter(each, ({ safeMs }) => safeMs)).slice(0, 10).map(story),
  };
}

/** One record in one hold. */
interface Processing {
  readonly text: string;
  readonly hold: Hold;
  readonly enteredMs: number;
  /** When a checkpoint at or behind it was confirmed. */
  safeMs: number | undefined;
  /** When the hold ended in order. */
  endedMs: number | undefined;
}

/** What one hold has done. */
class Hold {
  readonly name: string;
  readonly processings: Processing[] = [];
  isOrderly = false;

  constructor(name: string) {
    this.name = name;
  }

  add({ what, atMs, texts = [] }: ChaosLine): void {
    if (what === "processed") {
      for (const text of texts) {
        this.processings.push({ text, hold: this, enteredMs: atMs, safeMs: undefined, endedMs: undefined });
      }
      return;
    }
    if (what === "ended") this.isOrderly = true;
    for (const processing of this.processings) {
      processing.safeMs ??= atMs;
      if (what === "ended") processing.endedMs ??= atMs;
    }
  }
}

/** A batch that is retried within one hold is processed once; its last try counts. */
function byHold(processings: readonly Processing[]): readonly Processing[] {
  return [...new Map(processings.map((processing) => [processing.hold, processing])).values()];
}

function story(processings: readonly Processing[]): string {
  const each = processings.map(({ hold, enteredMs, safeMs, endedMs }) =>
    `${hold.name} entered ${enteredMs}, checkpointed ${safeMs ?? "never"}, ended ${endedMs ?? "never"}`
  );
  return `${processings[0]?.text}: ${each.join("; ")}`;
}

function isEnteredAfter(
  processings: readonly Processing[],
  limitOf: (processing: Processing) => number | undefined,
): boolean {
  return processings.some((earlier) => {
    const limitMs = limitOf(earlier);
    return limitMs !== undefined &&
      processings.some((later) => later.hold !== earlier.hold && later.enteredMs > limitMs);
  });
}

/**
 * What happens in the demo, and a plain sentence on each step: before it, and once it shows.
 *
 * @module
 */

import type { StreamControl } from "@kclite/kclite/testing";
import type { Fleet, Member } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import { counted, listText, secondsText, shortShard } from "./board.ts";
import { pause } from "./pause.ts";

/** What the story is about. */
export interface StoryOptions {
  readonly stream: StreamControl;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  /** How long it takes, about. */
  readonly seconds: number;
  readonly workers: number;
  /** How long a step may take to show, in ms. */
  readonly patienceMs: number;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/** When each step begins at the earliest, as a part of the whole time. */
const BEGINS = { split: 0.12, stop: 0.27, kill: 0.42, join: 0.72, end: 1 } as const;
const LOOK_MS = 50;

/** Tells it. Ends early when `signal` aborts. */
export async function tellStory(options: StoryOptions): Promise<void> {
  const story = new Story(options);
  for (const step of ["start", "split", "stop", "kill", "join"] as const) {
    if (step !== "start") await story.reach(BEGINS[step]);
    if (options.signal.aborted) return;
    await story[step]();
  }
  await story.reach(BEGINS.end);
}

class Story {
  readonly #options: StoryOptions;
  readonly #startMs = performance.now();

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { fleet, workers, stream, say } = this.#options;
    const members = Array.from({ length: workers }, () => fleet.start());
    const [shards, verb] = [stream.shards().length, members.length === 1 ? "starts" : "start"];
    say(
      `${listText(members.map(({ name }) => name))} ${verb}, to read ${
        counted(shards, "shard")
      } of one stream.`,
    );
    const isShared = () =>
      members.length > shards || members.every((member) => fleet.shardsOf(member).length > 0);
    const ms = await this.#until((fromMs) => this.#areRead(this.#openShards(), fromMs) && isShared());
    this.#tell(ms, (time) => `All shards are read ${time}: ${this.#shares()}.`);
  }

  async split(): Promise<void> {
    const { stream, say, fleet } = this.#options;
    const parent = this.#openShards()[0] ?? "";
    const before = new Set(this.#openShards());
    stream.split(parent);
    const children = this.#openShards().filter((shardId) => !before.has(shardId));
    const names = listText(children.map(shortShard));
    say(`Shard ${shortShard(parent)} is split: new words go to shards ${names}.`);
    const ms = await this.#until((fromMs) => fleet.isFinished(parent) && this.#areRead(children, fromMs));
    this.#tell(
      ms,
      (time) => `Shard ${shortShard(parent)} is read to its end, and shards ${names} after it, ${time}.`,
    );
  }

  async stop(): Promise<void> {
    const { fleet, ledger, say } = this.#options;
    const member = this.#oneWithShards();
    if (member === undefined) return;
    const shards = fleet.shardsOf(member), repeated = ledger.repeated;
    say(`${member.name} stops in order, and hands over its ${counted(shards.length, "shard")}.`);
    const stopping = fleet.stop(member);
    const ms = await this.#until((fromMs) => this.#areRead(shards, fromMs, member));
    await stopping;
    this.#tell(
      ms,
      (time) => `Others read ${itsShards(member, shards)} ${time}; ${twice(ledger.repeated - repeated)}.`,
    );
  }

  async kill(): Promise<void> {
    const { fleet, ledger, say } = this.#options;
    const member = this.#oneWithShards();
    if (member === undefined) return;
    const shards = fleet.shardsOf(member), repeated = ledger.repeated;
    fleet.kill(member);
    say(
      `${member.name} is killed. Nobody reads its ${
        counted(shards.length, "shard")
      } until its leases expire.`,
    );
    const ms = await this.#until((fromMs) => this.#areRead(shards, fromMs, member));
    this.#tell(
      ms,
      (time) => `Others read ${itsShards(member, shards)} ${time}; ${twice(ledger.repeated - repeated)}.`,
    );
  }

  async join(): Promise<void> {
    const { fleet, ledger, say } = this.#options;
    const repeated = ledger.repeated;
    const isSpare = fleet.running.length >= this.#openShards().length;
    const member = fleet.start();
    if (isSpare) return say(`${member.name} joins, and stands by: each worker has a shard at most.`);
    say(`${member.name} joins. The leader gives it its part of the shards.`);
    const ms = await this.#until((fromMs) => {
      const shards = fleet.shardsOf(member);
      return shards.length > 0 && shards.some((shardId) => {
        const last = ledger.lastReading(shardId);
        return last?.worker === member.name && last.atMs > fromMs;
      });
    });
    this.#tell(
      ms,
      (time) => `${member.name} reads ${time}; ${twice(ledger.repeated - repeated)}. ${this.#shares()}.`,
    );
  }

  /** Waits until this part of the whole time is over. */
  async reach(part: number): Promise<void> {
    const { seconds, signal } = this.#options;
    await pause(this.#startMs + part * seconds * 1000 - performance.now(), signal);
  }

  /** How long something takes to show, in ms; undefined: it did not in time. */
  async #until(isSo: (fromMs: number) => boolean): Promise<number | undefined> {
    const { patienceMs, signal } = this.#options;
    const fromMs = performance.now();
    while (!isSo(fromMs)) {
      if (performance.now() - fromMs > patienceMs || !await pause(LOOK_MS, signal)) return undefined;
    }
    return performance.now() - fromMs;
  }

  #tell(ms: number | undefined, sentence: (time: string) => string): void {
    const { signal, say, patienceMs } = this.#options;
    if (ms !== undefined) say(sentence(`after ${secondsText(ms)}`));
    else if (!signal.aborted) say(`This takes longer than ${secondsText(patienceMs)}. The story goes on.`);
  }

  #openShards(): string[] {
    return this.#options.stream.shards().filter(({ endingSequenceNumber }) =>
      endingSequenceNumber === undefined
    )
      .map(({ shardId }) => shardId);
  }

  /** Whether words of all these shards were processed since then: by any worker, or by any other than `former`. */
  #areRead(shards: readonly string[], sinceMs: number, former?: Member): boolean {
    return shards.every((shardId) => {
      const last = this.#options.ledger.lastReading(shardId);
      return last !== undefined && last.atMs > sinceMs && last.worker !== former?.name;
    });
  }

  /** The last worker that has shards, while it is not the only one that runs. */
  #oneWithShards(): Member | undefined {
    const { fleet } = this.#options;
    if (fleet.running.length < 2) return undefined;
    return fleet.running.findLast((member) => fleet.shardsOf(member).length > 0);
  }

  /** `Ada has 2 shards, Bea 1`. */
  #shares(): string {
    const { fleet } = this.#options;
    const [first, ...others] = fleet.running.map((member) =>
      [member.name, fleet.shardsOf(member).length] as const
    );
    if (first === undefined) return "nobody runs";
    return [`${first[0]} has ${counted(first[1], "shard")}`, ...others.map((share) => share.join(" "))].join(
      ", ",
    );
  }
}

function itsShards({ name }: Member, shards: readonly string[]): string {
  return `${name}'s shard${shards.length === 1 ? "" : "s"}`;
}

function twice(words: number): string {
  return words === 0 ? "no word came twice" : `${counted(words, "word")} came twice`;
}

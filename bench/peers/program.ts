/**
 * Peers that are programs in other languages. They are looked at from outside: the CPU time of their process is read from /proc, and the
 * server of the bench knows how many records they have got. So is their start, which takes a minute: each waits at a server of its own
 * whose shards look empty, until it is its turn.
 *
 * @module
 */

import type { Stats } from "../canned_server.ts";
import type { TurnSize } from "../meter.ts";
import type { MeasuredTurn } from "../turn.ts";
import { type CannedServer, known, startHeldServer, type TurnCommand } from "../turns.ts";

/** How a program reads. */
export interface ProgramTask {
  readonly streamName: string;
  readonly wireFormat: "json" | "cbor";
  readonly isFanOut?: boolean;
  /** All options at their defaults: it starts more slowly, and rests between two reads. */
  readonly isPaced?: boolean;
}

/** A program of another make. */
export interface ProgramPeer {
  /** With its version. */
  readonly name: string;
  /**
   * Installs or builds it.
   *
   * @param folder Where that may be.
   * @returns How it is started at a server, or why it is skipped, as a text.
   */
  readonly prepare: (folder: string) => Promise<((url: string, task: ProgramTask) => TurnCommand) | string>;
}

/** A program may take so long from its start until it reads all shards, in ms: with its default options it waits for minutes. */
const START_LIMIT_MS = 300_000;
/** The end of a warm-up that did not come to its end, in ms. A quiet machine needs about a minute. */
const WARM_UP_LIMIT_MS = 75_000;
/** The same of a turn, which then has fewer records. */
const TURN_LIMIT_MS = 20_000;
const POLL_MS = 50;
/** Of /proc: the same on every Linux. Source: man 5 proc, `sysconf(_SC_CLK_TCK)`. */
const TICKS_PER_SECOND = 100;

/** CPU time of a process so far, and the most memory that it used. */
export interface ProcessUse {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakRssMiB: number;
}

/** From the texts of /proc/PID/stat and /proc/PID/status. */
export function processUseOf(stat: string, status: string): ProcessUse {
  // The second field is the program's name, which may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  const [user, system] = [fields[11], fields[12]].map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { userSeconds: user ?? NaN, systemSeconds: system ?? NaN, peakRssMiB: Number(kib) / 1024 };
}

/** How long what is read may take, in ms. */
export interface ReadLimits {
  readonly warmUpMs: number;
  readonly turnMs: number;
}

/** What was measured. */
export interface ProgramTurns {
  readonly turns: readonly MeasuredTurn[];
  /** What was not reached in time, in words. Undefined: all was. */
  readonly note: string | undefined;
}

/** What is known at one time of a program that reads. */
export interface Reading extends ProcessUse {
  /** How many records it has got. */
  readonly records: number;
  readonly atMs: number;
}

/**
 * Measures turns one after the other, without a pause, from the end of the warm-up. What takes longer than its limit ends there, and the
 * note says so: a busy machine is to give a figure too.
 *
 * @param readUntil Waits until so many records were read, or so many ms are over.
 * @throws {Error} when a turn would have no record.
 */
export async function measureTurns(
  turns: number,
  { warmUp, count }: TurnSize,
  readUntil: (records: number, limitMs: number) => Promise<Reading>,
  limits: ReadLimits = { warmUpMs: WARM_UP_LIMIT_MS, turnMs: TURN_LIMIT_MS },
): Promise<ProgramTurns> {
  const measured: MeasuredTurn[] = [], notes: string[] = [];
  let from = await readUntil(warmUp, limits.warmUpMs);
  if (from.records < warmUp) {
    notes.push(`warm-up ended by time at ${inWords(from.records)} of ${inWords(warmUp)} records`);
  }
  for (let turn = 0; turn < turns; turn++) {
    const to = await readUntil(from.records + count, limits.turnMs);
    const read = to.records - from.records;
    if (read === 0) throw new Error(`it read nothing for ${limits.turnMs / 1000} s`);
    measured.push({
      count: read,
      seconds: (to.atMs - from.atMs) / 1000,
      userSeconds: to.userSeconds - from.userSeconds,
      systemSeconds: to.systemSeconds - from.systemSeconds,
      peakRssMiB: to.peakRssMiB,
    });
    from = to;
  }
  const short = measured.filter((turn) => turn.count < count).length;
  if (short > 0) notes.push(`${short} of ${turns} turns ended by time`);
  return { turns: measured, note: notes.length === 0 ? undefined : notes.join("; ") };
}

function inWords(count: number): string {
  return count.toLocaleString("en");
}

/** A program that runs, at a server of its own. */
export class WatchedProgram {
  readonly #server: CannedServer;
  readonly #child: Deno.ChildProcess;
  readonly #startedMs = performance.now();
  #hasEnded = false;
  #ending: Promise<void> | undefined;
  #said = "";

  private constructor(server: CannedServer, child: Deno.ChildProcess) {
    [this.#server, this.#child] = [server, child];
    child.status.then(() => this.#hasEnded = true);
    this.#listen();
  }

  /** Starts it, held. */
  static async start(command: (url: string) => TurnCommand): Promise<WatchedProgram> {
    const server = await startHeldServer();
    const [program, ...args] = command(server.url);
    const started = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" });
    return new WatchedProgram(server, known(started.spawn()));
  }

  /** Waits until it has looked at that many shards. @throws {Error} when it does not within the time that a start may take. */
  async ready(shards: number): Promise<void> {
    const leftMs = this.#startedMs + START_LIMIT_MS - performance.now();
    const { shardsRead } = await this.#until((stats) => stats.shardsRead >= shards, leftMs);
    if (shardsRead < shards) {
      throw new Error(`it read ${shardsRead} of ${shards} shards ${START_LIMIT_MS / 1000} s after its start`);
    }
  }

  /** Lets it read, and measures that many turns. */
  async turns(turns: number, size: TurnSize): Promise<ProgramTurns> {
    await this.#release();
    return await measureTurns(turns, size, async (records, limitMs) => {
      const stats = await this.#until((stats) => stats.records >= records, limitMs);
      return { records: stats.records, ...this.#use(), atMs: performance.now() };
    });
  }

  /** Lets it read for so many ms. @returns The most memory that it used, in MiB. */
  async peakRssMiB(ms: number): Promise<number> {
    await this.#release();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.#use().peakRssMiB;
  }

  /** Counts its requests to DynamoDB for so many ms. @returns How many an hour. */
  async dynamoDBRequestsPerHour(ms: number): Promise<number> {
    const { dynamoDBRequests: before } = await this.#stats();
    await new Promise((resolve) => setTimeout(resolve, ms));
    const { dynamoDBRequests: after } = await this.#stats();
    return (after - before) * 3_600_000 / ms;
  }

  /** Kills it, and its server. */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await Promise.all([this.#child.status, this.#server.stop()]);
  }

  async #release(): Promise<void> {
    await fetch(`${this.#server.url}/release`).then((response) => response.body?.cancel());
  }

  /** @returns The last that was seen: what was waited for, or what there was when the time was over. */
  async #until(holds: (stats: Stats) => boolean, limitMs: number): Promise<Stats> {
    const startedMs = performance.now();
    for (;;) {
      const stats = await this.#stats();
      if (holds(stats) || performance.now() - startedMs > limitMs) return stats;
      if (this.#hasEnded) throw new Error(`it has ended: ${this.#said.trim().slice(-400)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #stats(): Promise<Stats> {
    return await (await fetch(`${this.#server.url}/stats`)).json();
  }

  #use(): ProcessUse {
    const of = (name: string) => Deno.readTextFileSync(`/proc/${this.#child.pid}/${name}`);
    return processUseOf(of("stat"), of("status"));
  }

  async #listen(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#said = (this.#said + text).slice(-4000);
    }
  }
}

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
import { type CannedServer, startHeldServer, type TurnCommand } from "../turns.ts";

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

/** A program may take so long until it reads all shards, in ms: with its default options it waits for minutes. */
const START_LIMIT_MS = 240_000;
/** What it is to read may take so long, in ms. */
const READ_LIMIT_MS = 300_000;
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

/** A program that runs, at a server of its own. */
export class WatchedProgram {
  readonly #server: CannedServer;
  readonly #child: Deno.ChildProcess;
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
    const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
    return new WatchedProgram(server, child);
  }

  /** Waits until it has looked at that many shards. */
  async ready(shards: number): Promise<void> {
    await this.#until(({ shardsRead }) => shardsRead >= shards, START_LIMIT_MS, "it read all shards");
  }

  /** Lets it read, and measures from the end of the warm-up: one turn after the other, without a pause. */
  async turns(turns: number, { warmUp, count }: TurnSize): Promise<readonly MeasuredTurn[]> {
    await fetch(`${this.#server.url}/release`).then((response) => response.body?.cancel());
    const measured: MeasuredTurn[] = [];
    let from = await this.#reading(warmUp);
    for (let turn = 0; turn < turns; turn++) {
      const to = await this.#reading(from.records + count);
      measured.push({
        count: to.records - from.records,
        seconds: (to.atMs - from.atMs) / 1000,
        userSeconds: to.userSeconds - from.userSeconds,
        systemSeconds: to.systemSeconds - from.systemSeconds,
        peakRssMiB: to.peakRssMiB,
      });
      from = to;
    }
    return measured;
  }

  /** Lets it read for so many ms. @returns The most memory that it used, in MiB. */
  async peakRssMiB(ms: number): Promise<number> {
    await fetch(`${this.#server.url}/release`).then((response) => response.body?.cancel());
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

  async #reading(records: number) {
    const stats = await this.#until(
      (stats) => stats.records >= records,
      READ_LIMIT_MS,
      `it read ${records} records`,
    );
    return { ...stats, ...this.#use(), atMs: performance.now() };
  }

  async #until(holds: (stats: Stats) => boolean, limitMs: number, what: string): Promise<Stats> {
    const startedMs = performance.now();
    for (;;) {
      const stats = await this.#stats();
      if (holds(stats)) return stats;
      if (this.#hasEnded) throw new Error(`it has ended: ${this.#said.trim().slice(-400)}`);
      if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
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

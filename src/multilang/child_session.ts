/**
 * The conversation with one child, from its first message to its end. One action at a time, each answered by
 * a status, with checkpoints in between.
 *
 * Stdout is read all the time, so that a child never waits for us with a full pipe. Its messages queue up in
 * order across actions, as they would in Java's pipe. A session that fails is over: the child is ended, and
 * every call rejects.
 *
 * Source: KCL 3.5.1, `MultiLangProtocol`, `MultiLangShardRecordProcessor` and `LineReaderTask`.
 *
 * @module
 */

import type { ChildExit, ChildProcess } from "../child_process.ts";
import { MultiLangProtocolError } from "../errors.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { Clock } from "../system.ts";
import { pause, settlesWithin } from "../async/waiting.ts";
import { checkpointErrorName } from "./checkpoint_error.ts";
import { type CheckpointRequest, readChildLine } from "./child_line.ts";
import { endChild, exitText, isInterruption } from "./end_child.ts";
import { Inbox } from "./inbox.ts";
import { LineCutter } from "./lines.ts";
import { type Action, type CheckpointReply, type DaemonMessage, encodeLine } from "./message.ts";
import { relayStderr } from "./stderr_relay.ts";
import { Surplus } from "./surplus.ts";

/** What a session needs. */
export interface ChildSessionOptions {
  readonly child: ChildProcess;
  readonly clock: Clock;
  /** How long the child may take for each next message, in ms; undefined: for ever. */
  readonly timeoutMs: number | undefined;
  /** How long the child may take to end once its stdin is closed, in ms. */
  readonly exitWaitMs: number;
  /** How long the child may take to end after SIGTERM, in ms. */
  readonly killWaitMs: number;
  /** Aborts when the whole program stops: a child that ends then has not failed. */
  readonly stopping: AbortSignal | undefined;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
  /** Gets the child's stderr as soon as it arrives, as text. */
  readonly writeStderr: (text: string) => void;
  /**
   * Called once if the session fails. `isExcused`: the child was ended by us, or along with the whole
   * program.
   */
  readonly onFailure: (error: MultiLangProtocolError, isExcused: boolean) => void;
}

/** Stores how far the shard is processed; `ShardContext.checkpoint`. */
export type StoreCheckpoint = (at?: ExtendedSequenceNumber) => Promise<void>;

/** One child's conversation. */
export class ChildSession {
  readonly #options: ChildSessionOptions;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #inbox: Inbox = new Inbox();
  readonly #stdoutEnd: Promise<void>;
  readonly #stderrEnd: Promise<void>;
  /** Settles once the child has ended and the session has taken note. */
  readonly #watch: Promise<void>;
  /** Writes wait for one another. */
  #writing: Promise<void> = Promise.resolve();
  /** What the child has yet to answer. */
  #action: Action | undefined;
  #exit: ChildExit | undefined;
  #failure: MultiLangProtocolError | undefined;
  #end: Promise<void> | undefined;
  /** What the child prints after the session's end. */
  readonly #surplus: Surplus = new Surplus();
  /** Whether the child names positions `checkpoint`. */
  #hasAlias = false;

  constructor(options: ChildSessionOptions) {
    this.#options = options;
    this.#child = options.child;
    this.#clock = options.clock;
    this.#stdoutEnd = this.#readStdout();
    this.#stderrEnd = relayStderr(options.child.stderr, {
      text: options.writeStderr,
      line: (text) => this.#notice("info", ` stderr: ${text}`),
    }, options.clock);
    this.#watch = this.#watchEnd();
  }

  /**
   * Sends an action, and performs the child's checkpoints until it answers with its status. Not to be called
   * again before.
   *
   * @param checkpoint Left out for an action that must not checkpoint: the child is answered
   * `InvalidStateException`.
   * @throws {MultiLangProtocolError} when the child ended, answered something else, or did not answer in
   * time.
   */
  async request(
    message: Exclude<DaemonMessage, CheckpointReply>,
    checkpoint?: StoreCheckpoint,
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#end !== undefined) {
      throw new MultiLangProtocolError(`Child process ${this.#child.pid} was ended`);
    }
    this.#action = message.action;
    try {
      const sent = this.#write(message);
      sent.catch(() => {}); // Awaited below, after the status: the child may answer first.
      for (;;) {
        const answer = await this.#inTime(this.#inbox.take());
        if (answer.type === "checkpoint") {
          await this.#answer(answer, checkpoint);
        } else if (answer.responseFor === message.action) {
          return await this.#inTime(sent);
        } else {
          throw this.#fail(`answered ${JSON.stringify(answer.responseFor)}`);
        }
      }
    } finally {
      this.#action = undefined;
    }
  }

  /**
   * Ends the child and waits for its end: by closing its stdin, then by SIGTERM, then by SIGKILL. A call
   * still under way rejects, and its child gets no time to finish. May be called again; never rejects.
   */
  close(): Promise<void> {
    if (this.#action !== undefined) this.#fail("was ended by the worker", { isExcused: true });
    this.#end ??= this.#endChild(this.#options.exitWaitMs);
    return this.#end;
  }

  async #readStdout(): Promise<void> {
    const cutter = new LineCutter(MAX_LINE_BYTES);
    try {
      for await (const bytes of this.#child.stdout) cutter.push(bytes).forEach((line) => this.#take(line));
    } catch {
      // The child has ended, or our end of the pipe was closed.
    }
    cutter.flush().forEach((line) => this.#take(line));
  }

  #take(line: Uint8Array): void {
    const text = DECODER.decode(line);
    const message = readChildLine(text);
    if (this.#end !== undefined && !this.#surplus.isShown(message)) return;
    if (message === undefined) this.#notice("info", ` stdout: ${shortened(text)}`);
    else if (this.#inbox.size < MAX_QUEUED) this.#inbox.put(message);
    else this.#fail(`sent ${MAX_QUEUED} messages that nobody asked for`);
  }

  async #answer(request: CheckpointRequest, checkpoint: StoreCheckpoint | undefined): Promise<void> {
    const { sequenceNumber, subSequenceNumber } = request;
    if (request.isAlias && !this.#hasAlias) {
      this.#hasAlias = true;
      this.#notice("warning", ' sends its position as "checkpoint": expected "sequenceNumber"');
    }
    let error: string | null = "InvalidStateException";
    if (checkpoint !== undefined) {
      try {
        await checkpoint(positionOf(request));
        error = null;
      } catch (thrown) {
        error = checkpointErrorName(thrown);
      }
    }
    const reply: CheckpointReply = { action: "checkpoint", sequenceNumber, subSequenceNumber, error };
    await this.#inTime(this.#write(this.#hasAlias ? { ...reply, checkpoint: sequenceNumber } : reply));
  }

  #write(message: DaemonMessage): Promise<void> {
    const turn = this.#writing.then(() => this.#writePieces(message));
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async #writePieces(message: DaemonMessage): Promise<void> {
    try {
      for (const piece of encodeLine(message)) await this.#child.write(piece);
    } catch (cause) {
      // A child that has died says more by its exit code than by the broken pipe.
      await settlesWithin(this.#watch, 3 * SETTLE_MS, this.#clock);
      throw this.#fail("does not read its stdin", { cause });
    }
  }

  /** Waits for the child, at most `timeoutMs`. */
  async #inTime<T>(promise: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined || await settlesWithin(promise, timeoutMs, this.#clock)) return await promise;
    throw this.#fail(`sent no message for ${timeoutMs} ms`);
  }

  /** Takes note of the child's end, also between two actions. */
  async #watchEnd(): Promise<void> {
    const exited = this.#child.exited.then((exit) => this.#exit = exit);
    await Promise.race([this.#stdoutEnd, exited]);
    // The exit follows the end of stdout, except if the child closed its stdout early or a grandchild holds
    // it open.
    await settlesWithin(Promise.all([this.#stdoutEnd, exited]), SETTLE_MS, this.#clock);
    if (this.#end !== undefined) return;
    const exit = this.#exit;
    const isExcused = await this.#endsWithUs(exit);
    this.#fail(exit === undefined ? "closed its stdout" : `ended with ${exitText(exit)}`, { isExcused });
  }

  /**
   * A supervisor may signal every process of a service, and Ctrl-C on Windows every process of the console.
   * So a child that ends when we are stopped, or a moment sooner, has not failed.
   */
  async #endsWithUs(exit: ChildExit | undefined): Promise<boolean> {
    const { stopping } = this.#options;
    if (stopping === undefined) return false;
    if (stopping.aborted) return true;
    return exit !== undefined && isInterruption(exit) && !await pause(this.#clock, SETTLE_MS, stopping);
  }

  /** Ends the session. The first failure counts. @returns It. */
  #fail(
    what: string,
    options: { readonly cause?: unknown; readonly isExcused?: boolean } = {},
  ): MultiLangProtocolError {
    if (this.#failure !== undefined) return this.#failure;
    const when = this.#action === undefined ? "between two actions" : `during "${this.#action}"`;
    const { cause, isExcused = false } = options;
    const error = new MultiLangProtocolError(
      `Child process ${this.#child.pid} ${what} ${when}`,
      cause === undefined ? {} : { cause },
    );
    this.#failure = error;
    this.#end ??= this.#endChild(0);
    this.#inbox.close(error);
    this.#options.onFailure(error, isExcused);
    return error;
  }

  async #endChild(exitWaitMs: number): Promise<void> {
    const { killWaitMs } = this.#options;
    const onKill = (signal: string, isRest: boolean) => {
      const what = isRest ? "has ended and left programs behind: they get" : "is still there: it gets";
      this.#notice("warning", ` ${what} a ${signal}`);
    };
    const exit = await endChild(this.#child, { clock: this.#clock, exitWaitMs, killWaitMs, onKill });
    const pipes = Promise.all([this.#stdoutEnd, this.#stderrEnd]);
    await settlesWithin(pipes, SETTLE_MS, this.#clock);
    this.#child.release();
    await settlesWithin(pipes, SETTLE_MS, this.#clock);
    const surplus = this.#surplus.text();
    if (surplus !== undefined) this.#notice("info", ` stdout: ${surplus}`);
    if (exit === undefined) this.#notice("error", " cannot be killed");
    else this.#notice(exit.code === 0 ? "info" : "warning", ` ended with ${exitText(exit)}`);
  }

  #notice(level: "info" | "warning" | "error", text: string): void {
    this.#options.notice(level, `Child process ${this.#child.pid}${text}`);
  }
}

/**
 * The longest line of a child's stdout that is read as one; twice the length of a message with 10 MiB of
 * data.
 */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
/** A child that sends more without a request does not follow the protocol. */
const MAX_QUEUED = 1000;
/** How far apart two related things may be: a child's end and its pipes' end, or two signals of one stop. */
const SETTLE_MS = 1000;
/** The most of a line on stdout that an event repeats; a line that is no message may hold a whole batch. */
const MAX_NOTICE_LENGTH = 1000;
/** Lenient; and a byte order mark is noise, as it is in Java. */
const DECODER: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

function shortened(text: string): string {
  return text.length <= MAX_NOTICE_LENGTH ? text : `${text.slice(0, MAX_NOTICE_LENGTH)}…`;
}

/** @throws {RangeError} for a sub-sequence number that no record has. */
function positionOf(request: CheckpointRequest): ExtendedSequenceNumber | undefined {
  const { sequenceNumber, subSequenceNumber } = request;
  if (sequenceNumber === null) return undefined;
  const sub = Number(subSequenceNumber ?? 0n);
  if (!Number.isSafeInteger(sub) || sub < 0) {
    throw new RangeError(`Cannot checkpoint: subSequenceNumber must be >= 0: got ${subSequenceNumber}`);
  }
  return { sequenceNumber, subSequenceNumber: sub };
}

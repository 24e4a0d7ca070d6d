/**
 * A record processor in a child process that speaks the MultiLangDaemon protocol. One child for each lease,
 * started by `initialize` and never used again.
 *
 * A child that dies, hangs or breaks the protocol takes only its own shard along: the consumer starts a fresh
 * one at the stored checkpoint. Java ends the whole daemon; `onChildFailure` allows for that.
 *
 * Source: KCL 3.5.1, `MultiLangShardRecordProcessor`.
 *
 * @module
 */

import type { Spawn } from "../child_process.ts";
import type {
  RecordProcessor,
  RecordProcessorFactory,
  RecordsBatch,
  ShardContext,
  ShardStream,
} from "../consumer/record_processor.ts";
import { errorText, MultiLangProtocolError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { ChildSession, type StoreCheckpoint } from "./child_session.ts";
import type { Action, CheckpointReply, DaemonMessage } from "./message.ts";
import { OldProtocol } from "./old_protocol.ts";
import { startProblem } from "./start_problem.ts";

/** What the processors of one worker share. */
export interface MultiLangOptions {
  /**
   * The program and its arguments, separated by spaces; there are no quotes and no escapes. A program without
   * a slash is searched for on PATH. KCL: `executableName`.
   */
  readonly executableName: string;
  /** Starts processes. */
  readonly spawn: Spawn;
  readonly clock: Clock;
  /**
   * How long a child may take for each next message, in ms; checkpointing does not count. KCL:
   * `timeoutInSeconds`. Too short ends children that are merely slow.
   *
   * @default no limit
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a child may take to end once its stdin is closed, in ms, before it gets a SIGTERM. KCL waits for
   * ever.
   *
   * @default {10000}
   */
  readonly exitWaitMs?: number | undefined;
  /**
   * How long a child may take to end after SIGTERM, in ms, before it gets a SIGKILL.
   *
   * @default {2000}
   */
  readonly killWaitMs?: number | undefined;
  /** Receives the children's output and their ends: `notice` events with the lease's key. */
  readonly onEvent?: WorkerEventListener | undefined;
  /** Gets the children's stderr as text, as soon as it arrives: also control characters. Must not throw. */
  readonly writeStderr?: ((text: string) => void) | undefined;
  /**
   * Aborts when the program stops. A supervisor may signal children too, and a child that ends by that signal
   * has not failed.
   */
  readonly stopping?: AbortSignal | undefined;
  /**
   * Called for each child that cannot be started, dies, hangs or breaks the protocol, except when the program
   * stops. Ending the program here is Java's behaviour. Must not throw.
   *
   * @default nothing: the consumer starts another child for the shard
   */
  readonly onChildFailure?: ((error: MultiLangProtocolError, shardId: string) => void) | undefined;
  /**
   * Called, after `onChildFailure`, when the program cannot be started and never could: no other try will do.
   * Must not throw.
   *
   * @default nothing: the consumer tries again
   */
  readonly onUnstartable?: ((error: MultiLangProtocolError) => void) | undefined;
}

/**
 * Makes processors that run in child processes.
 *
 * @throws {RangeError} when `executableName` is empty.
 */
export function multiLangProcessor(options: MultiLangOptions): RecordProcessorFactory {
  const command = splitCommand(options.executableName);
  const program: Program = { ...command, hasStarted: false, oldProtocol: new OldProtocol() };
  const factory = (shardId: string) => new MultiLangProcessor(options, program, shardId);
  return Object.assign(factory, { payloads: "base64" } as const);
}

/** What the processors of one worker know of the program that they share. */
interface Program extends Command {
  /** Whether a child was ever started: a program that is missing after that may just be being replaced. */
  hasStarted: boolean;
  readonly oldProtocol: OldProtocol;
}

/** A program with its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Splits at spaces only, as Java does: a tab, a quote or a backslash is part of a name.
 *
 * @throws {RangeError} when nothing is left.
 */
export function splitCommand(executableName: string): Command {
  const [program, ...args] = executableName.split(/ +/).filter((part) => part !== "");
  if (program === undefined) {
    throw new RangeError(
      'Cannot run child processes: expected executableName, e.g. "app.py": got an empty one',
    );
  }
  return { program, args };
}

class MultiLangProcessor implements RecordProcessor {
  readonly #options: MultiLangOptions;
  readonly #program: Program;
  readonly #shardId: string;
  /** Known once the processor is called. */
  #leaseKey: string | undefined;
  #session: ChildSession | undefined;
  /** What the child has answered at least once. */
  readonly #answered: Set<Action> = new Set();
  /** Whether the child's failure was its own. */
  #hasFailed = false;

  constructor(options: MultiLangOptions, program: Program, shardId: string) {
    this.#options = options;
    this.#program = program;
    this.#shardId = shardId;
  }

  async initialize(context: ShardContext): Promise<void> {
    this.#leaseKey = context.leaseKey;
    this.#session = await this.#start(context);
    const { sequenceNumber, subSequenceNumber } = context.initialCheckpoint;
    await this.#session.request({
      action: "initialize",
      shardId: context.shardId,
      sequenceNumber,
      subSequenceNumber,
    });
  }

  async processRecords(batch: RecordsBatch, context: ShardContext): Promise<void> {
    const { records, millisBehindLatest } = batch;
    await this.#request({ action: "processRecords", records, millisBehindLatest }, checkpointOf(context));
  }

  /**
   * The child stays until `dispose()`. If SHARD_END is not stored by then, the child gets the message again.
   */
  async shardEnded(context: ShardContext): Promise<void> {
    await this.#request({ action: "shardEnded" }, checkpointOf(context));
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#tell({ action: "shutdownRequested" }, checkpointOf(context));
  }

  async leaseLost(): Promise<void> {
    await this.#tell({ action: "leaseLost" });
    await this.#session?.close();
  }

  async dispose(): Promise<void> {
    await this.#session?.close();
  }

  async #start(context: ShardContext): Promise<ChildSession> {
    const { spawn, clock, writeStderr, onChildFailure, stopping } = this.#options;
    const { program, args } = this.#program;
    const shardId = this.#shardId;
    let child;
    try {
      child = await spawn(program, args, environmentOf(context));
      this.#program.hasStarted = true;
    } catch (cause) {
      const problem = startProblem(program, cause);
      const error = new MultiLangProtocolError(
        `Cannot start "${program}" for shard ${shardId}: ${problem ?? errorText(cause)}`,
        { cause },
      );
      onChildFailure?.(error, shardId);
      if (problem !== undefined && !this.#program.hasStarted) this.#options.onUnstartable?.(error);
      throw error;
    }
    return new ChildSession({
      child,
      clock,
      timeoutMs: this.#options.timeoutMs,
      exitWaitMs: this.#options.exitWaitMs ?? 10_000,
      killWaitMs: this.#options.killWaitMs ?? 2000,
      stopping,
      notice: (level, text) => this.#notice(level, text),
      writeStderr: (text) => writeStderr?.(text),
      onFailure: (error, isExcused) => {
        this.#hasFailed = !isExcused;
        if (!isExcused) onChildFailure?.(error, shardId);
        context.restart(error);
      },
    });
  }

  async #request(message: DaemonRequest, checkpoint?: StoreCheckpoint): Promise<void> {
    if (this.#session === undefined) {
      throw new MultiLangProtocolError(`No child process was started for shard ${this.#shardId}`);
    }
    const { action } = message;
    const hadFailed = this.#hasFailed;
    const { oldProtocol } = this.#program;
    try {
      await this.#session.request(message, checkpoint);
    } catch (error) {
      const isItsOwn = this.#hasFailed && !hadFailed;
      const question = isItsOwn && !this.#answered.has(action) ? oldProtocol.failed(action) : undefined;
      if (question !== undefined) this.#notice("warning", question);
      throw error;
    }
    this.#answered.add(action);
    oldProtocol.answered(action);
  }

  /**
   * Sends a child a message about something that it cannot change: whether the child gets it makes no
   * difference to the shard.
   */
  async #tell(message: DaemonRequest, checkpoint?: StoreCheckpoint): Promise<void> {
    if (this.#session === undefined) return;
    try {
      await this.#request(message, checkpoint);
    } catch (error) {
      if (!(error instanceof MultiLangProtocolError)) throw error;
      this.#notice("warning", `Child process was not told "${message.action}": ${errorText(error)}`);
    }
  }

  #notice(level: "info" | "warning" | "error", text: string): void {
    this.#options.onEvent?.({ type: "notice", level, leaseKey: this.#leaseKey, text });
  }
}

/** What a child answers by a status. */
type DaemonRequest = Exclude<DaemonMessage, CheckpointReply>;

/**
 * The protocol has no field for the stream, and of many streams several may have a shard of one id.
 * Unmodified processors ignore these variables; others find the stream here.
 */
function environmentOf({ streamName, streamArn, streamIdentifier }: ShardStream): Record<string, string> {
  if (streamIdentifier === undefined) return {};
  return {
    KINESIS_STREAM_NAME: streamName,
    KINESIS_STREAM_IDENTIFIER: streamIdentifier,
    ...(streamArn === undefined ? {} : { KINESIS_STREAM_ARN: streamArn }),
  };
}

function checkpointOf(context: ShardContext): StoreCheckpoint {
  return (at) => context.checkpoint(at);
}

/**
 * One running bootstrap: a program in any language that talks to a runtime API of its own, on loopback.
 *
 * A call that takes too long kills the program, as in Lambda. So a failed call never runs beside its
 * successor. A program that fails before it has taken an invocation has not failed because of the records.
 *
 * @module
 */

import { settlesWithin } from "../async/waiting.ts";
import type { ChildProcess, Spawn } from "../child_process.ts";
import { errorText } from "../errors.ts";
import { endChild, exitText } from "../multilang/end_child.ts";
import { relayStderr } from "../multilang/stderr_relay.ts";
import type { LambdaFunction } from "./function_options.ts";
import { FunctionError, FunctionTimeoutError, type Invocation } from "./invocation.ts";
import { RuntimeApi } from "./runtime_api.ts";

/** A server on loopback, on a port of its own. */
export interface LoopbackServer {
  /** e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Stops listening, and cuts open connections. */
  close(): Promise<void>;
}

/** Serves on a free port of loopback, and nowhere else. */
export type ServeLoopback = (handler: (request: Request) => Promise<Response>) => Promise<LoopbackServer>;

/** What every instance of a bootstrap takes. */
export interface BootstrapOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly spawn: Spawn;
  readonly serve: ServeLoopback;
  readonly lambda: LambdaFunction;
  /**
   * How long a program may take to ask for an invocation, in ms. Lambda: 10 s for the initialization, or the
   * timeout of the function if that is longer.
   */
  readonly initTimeoutMs: number;
  /** How long a program may take to end after SIGTERM, in ms, before it gets a SIGKILL. */
  readonly killWaitMs: number;
}

/** Gets what a program prints, and what becomes of it. */
export type Notice = (level: "info" | "warning" | "error", text: string) => void;

/** The program has failed, and not because of an invocation: it had none. */
export class NotTakenError extends Error {
  /** The class's name. */
  override readonly name = "NotTakenError";
}

/** One program, from its start to its end. */
export class BootstrapInstance {
  readonly #options: BootstrapOptions;
  readonly #notice: Notice;
  readonly #child: ChildProcess;
  readonly #server: LoopbackServer;
  readonly #api: RuntimeApi;
  #isUsable = true;
  #closing: Promise<void> | undefined;
  /** Ends with what the program prints. */
  readonly #output: Promise<unknown>;

  private constructor(
    options: BootstrapOptions,
    notice: Notice,
    parts: { readonly child: ChildProcess; readonly server: LoopbackServer; readonly api: RuntimeApi },
  ) {
    this.#options = options;
    this.#child = parts.child;
    this.#server = parts.server;
    this.#api = parts.api;
    this.#notice = notice;
    const { clock } = options.lambda;
    const { pid, stdout, stderr } = this.#child;
    const line = (text: string) => notice("info", `Process ${pid}: ${text}`);
    const target = { text: () => {}, line };
    this.#output = Promise.all([relayStderr(stdout, target, clock), relayStderr(stderr, target, clock)]);
    void this.#watch();
  }

  /**
   * Starts the program, and waits until it asks for its first invocation.
   *
   * @param environment Its variables besides ours, without the address of the API.
   * @throws {NotTakenError} when it cannot be started, ends, reports an error or does not ask in time.
   */
  static async start(
    options: BootstrapOptions,
    environment: Readonly<Record<string, string>>,
    notice: Notice,
  ): Promise<BootstrapInstance> {
    const { spawn, serve, program, args, lambda: { clock }, initTimeoutMs } = options;
    const api = new RuntimeApi(clock);
    const server = await serve((request) => api.respond(request));
    let child: ChildProcess;
    try {
      child = await spawn(program, args, {
        ...environment,
        AWS_LAMBDA_RUNTIME_API: server.url.replace(/^http:\/\//, ""),
      });
    } catch (cause) {
      await server.close();
      throw new NotTakenError(`Cannot start bootstrap "${program}": ${errorText(cause)}`, { cause });
    }
    const instance = new BootstrapInstance(options, notice, { child, server, api });
    const cannot = `Bootstrap "${program}", process ${child.pid}, cannot be used`;
    if (!await settlesWithin(api.ready, initTimeoutMs, clock)) {
      const problem = `${cannot}: it did not ask for an invocation within ${initTimeoutMs / 1000} s`;
      await instance.kill(problem);
      throw new NotTakenError(problem);
    }
    try {
      await api.ready;
      return instance;
    } catch (cause) {
      // What has reported its error may be about to print more of it.
      await settlesWithin(child.exited, options.killWaitMs, clock);
      await instance.kill(errorText(cause));
      throw new NotTakenError(`${cannot}: it failed before it asked for an invocation: ${errorText(cause)}`, {
        cause,
      });
    }
  }

  /** Whether it may get another invocation. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /**
   * Calls the program.
   *
   * @throws {NotTakenError} when it did not take the invocation; {@linkcode FunctionError} for an error that
   * it reports, and for its end; {@linkcode FunctionTimeoutError} when it takes too long.
   */
  async invoke(invocation: Invocation): Promise<unknown> {
    const { lambda: { clock }, initTimeoutMs } = this.#options;
    const taken = Promise.withResolvers<void>();
    let isTaken = false;
    const answer = this.#api.invoke(invocation, () => {
      isTaken = true;
      taken.resolve();
    });
    const isBegun = await settlesWithin(Promise.race([taken.promise, answer]), initTimeoutMs, clock);
    if (!isTaken) {
      const problem = isBegun
        ? "it has ended"
        : `it did not ask for an invocation within ${initTimeoutMs / 1000} s`;
      await this.kill(problem);
      await answer.catch(() => {}); // its error is the problem
      throw new NotTakenError(`Process ${this.#child.pid} got no invocation: ${problem}`);
    }
    if (!await settlesWithin(answer, invocation.timeoutMs, clock)) {
      const error = new FunctionTimeoutError(invocation, `process ${this.#child.pid} was killed`);
      await this.kill(error.message);
      await answer.catch(() => {}); // the program's end
      throw error;
    }
    try {
      return await answer;
    } finally {
      // A program that has just ended must be gone before its successor starts.
      if (!this.#isUsable) await this.close();
    }
  }

  /** Ends the program at once, for a reason that its callers get. Never rejects. */
  async kill(problem: string): Promise<void> {
    this.#isUsable = false;
    this.#child.kill("SIGKILL");
    this.#api.end(new FunctionError("Runtime.Killed", problem));
    await this.close();
  }

  /** Ends the program and all that it has started, and stops serving it. Never rejects. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const { lambda: { clock }, killWaitMs } = this.#options;
    const notice = this.#notice;
    const { pid } = this.#child;
    this.#isUsable = false;
    const exit = await endChild(this.#child, {
      clock,
      exitWaitMs: 0,
      killWaitMs,
      onKill: (signal, isRest) => {
        if (signal === "SIGKILL") {
          notice("warning", `Process ${pid}${isRest ? " left programs that" : ""} got SIGKILL`);
        }
      },
    });
    if (exit === undefined) notice("error", `Process ${pid} could not be ended`);
    this.#api.end(new FunctionError("Runtime.ExitError", "The program was ended"));
    await this.#server.close();
    // A traceback says why it ended. Programs that it left behind may hold its pipes open.
    await settlesWithin(this.#output, killWaitMs, clock);
    this.#child.release();
  }

  /** Notices the end of the program. */
  async #watch(): Promise<void> {
    const exit = await this.#child.exited;
    this.#isUsable = false;
    const problem = `Process ${this.#child.pid} ended with ${exitText(exit)}`;
    this.#api.end(new FunctionError("Runtime.ExitError", problem));
  }
}

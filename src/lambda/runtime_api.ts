/**
 * Lambda's runtime API for one program: a fetch handler. The program asks for its next invocation, and posts
 * a response or an error. One invocation is out at a time.
 *
 * What a program does wrong is refused with Lambda's status and error type, and harms no other call: an
 * answer for another id, a second answer, a second request for work, too large an answer.
 *
 * Source: the AWS Lambda guide, "Using the Lambda runtime API", version 2018-06-01. Statuses and error types
 * are those of AWS's runtime interface emulator.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { FunctionError, type Invocation, traceIdOf } from "./invocation.ts";
import { readWithin } from "./request_body.ts";

/** The most bytes of an answer, a little more than a payload. Source: AWS's runtime interface emulator. */
export const ANSWER_BYTES = 6_291_556;

/** The most bytes of an error that is reported. Ours: Lambda takes 6 MB, and nobody reads as much. */
const ERROR_BYTES = 262_144;

const STOPPING = "The runtime is being stopped";
const VERSION = "/2018-06-01/runtime/";

/** What is in the hands of the program. */
interface Out {
  readonly invocation: Invocation;
  readonly settle: PromiseWithResolvers<unknown>;
  /** Called when the program has got it; undefined from then on. */
  onTaken: (() => void) | undefined;
  /** Whether the program has begun to answer: a second answer is refused. */
  isAnswered: boolean;
}

/** The API that one program talks to. */
export class RuntimeApi {
  readonly #clock: Clock;
  readonly #asked: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Whether the program has asked for work at least once: its initialization is over. */
  #isReady = false;
  /** A request for work that waits. */
  #waiting: PromiseWithResolvers<Response> | undefined;
  /** What is to be given, or is out. */
  #out: Out | undefined;
  #end: Error | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    // Whoever does not wait for it needs no unhandled rejection.
    this.#asked.promise.catch(() => {});
  }

  /** Resolves when the program asks for work. Rejects when it reports that it cannot, or has ended. */
  get ready(): Promise<void> {
    return this.#asked.promise;
  }

  /**
   * Gives the program an invocation.
   *
   * @param onTaken Called when the program has got it: its time begins.
   * @returns what the program answers, as JSON reads it; as text if it is no JSON.
   * @throws {FunctionError} the program's own error, or that it has ended.
   */
  async invoke(invocation: Invocation, onTaken: () => void): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    if (this.#out !== undefined) {
      throw new Error(
        "Cannot invoke a program: expected that it has answered: one invocation is out already",
      );
    }
    const settle = Promise.withResolvers<unknown>();
    this.#out = { invocation, settle, onTaken, isAnswered: false };
    this.#give();
    try {
      return await settle.promise;
    } finally {
      this.#out = undefined;
    }
  }

  /** The program has ended, or is to be ended: whoever waits for it gets the error. */
  end(error: Error): void {
    this.#end ??= error;
    this.#asked.reject(error);
    this.#out?.settle.reject(error);
    this.#waiting?.resolve(refusal(403, "InvalidStateTransition", STOPPING));
    this.#waiting = undefined;
  }

  /** Answers one request of the program. */
  async respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(VERSION)) return refusal(404, "NotFound", "There is no such path");
    const [part, id, verb, ...rest] = pathname.slice(VERSION.length).split("/");
    const name = [part, id === undefined || verb === undefined ? id : "*", verb, ...rest].join("/").replace(
      /\/+$/,
      "",
    );
    const wanted = name === "invocation/next" ? "GET" : "POST";
    const known = ["invocation/next", "invocation/*/response", "invocation/*/error", "init/error"].includes(
      name,
    );
    if (!known) return refusal(404, "NotFound", "There is no such path");
    if (request.method !== wanted) {
      return refusal(405, "MethodNotAllowed", `Expected ${wanted}: got ${request.method}`);
    }
    if (name === "invocation/next") return await this.#next();
    if (name === "init/error") return await this.#initError(request);
    return await this.#answer(request, id ?? "", verb === "error");
  }

  #next(): Response | Promise<Response> {
    if (this.#end !== undefined) return refusal(403, "InvalidStateTransition", STOPPING);
    if (this.#isTaken) {
      const why = "Cannot give a next invocation: the last one has no answer yet";
      return refusal(403, "InvalidStateTransition", why);
    }
    this.#isReady = true;
    this.#asked.resolve();
    // A program whose connection was cut asks again: nobody may wait at the other end of the first request.
    this.#waiting?.resolve(refusal(403, "InvalidStateTransition", "A later request has come"));
    const { promise } = this.#waiting = Promise.withResolvers<Response>();
    this.#give();
    return promise;
  }

  /** Whether the program has an invocation. */
  get #isTaken(): boolean {
    return this.#out !== undefined && this.#out.onTaken === undefined;
  }

  /** Brings an invocation and a waiting program together. */
  #give(): void {
    const { invocation, onTaken } = this.#out ?? {};
    if (this.#waiting === undefined || invocation === undefined || onTaken === undefined) return;
    if (this.#out !== undefined) this.#out.onTaken = undefined;
    onTaken();
    const epochMs = this.#clock.epochMs();
    this.#waiting.resolve(
      new Response(JSON.stringify(invocation.event), {
        headers: {
          "content-type": "application/json",
          "lambda-runtime-aws-request-id": invocation.requestId,
          "lambda-runtime-deadline-ms": `${Math.floor(epochMs + invocation.timeoutMs)}`,
          "lambda-runtime-invoked-function-arn": invocation.invokedFunctionArn,
          "lambda-runtime-trace-id": traceIdOf(invocation.requestId, epochMs),
        },
      }),
    );
    this.#waiting = undefined;
  }

  async #answer(request: Request, id: string, isError: boolean): Promise<Response> {
    const out = this.#out;
    if (out === undefined || out.onTaken !== undefined || out.invocation.requestId !== id) {
      return refusal(400, "InvalidRequestID", "Expected the id of the invocation that is out");
    }
    if (out.isAnswered) {
      return refusal(403, "InvalidStateTransition", "The invocation has an answer already");
    }
    out.isAnswered = true;
    const most = isError ? ERROR_BYTES : ANSWER_BYTES;
    const text = await readWithin(request, most);
    if (isError) {
      out.settle.reject(reportedError(text, request.headers));
      return ACCEPTED();
    }
    if (text !== undefined) {
      const answer = answerOf(text);
      // What begins like an object may name records that failed: as a text it would be a success.
      if (typeof answer === "string" && text.trimStart().startsWith("{")) {
        out.settle.reject(
          new FunctionError("Runtime.UnreadableAnswer", "The answer begins with { and is no JSON"),
        );
      } else out.settle.resolve(answer);
      return ACCEPTED();
    }
    const problem = `Exceeded maximum allowed payload size (${ANSWER_BYTES} bytes).`;
    out.settle.reject(new FunctionError("Function.ResponseSizeTooLarge", problem));
    return refusal(413, "RequestEntityTooLarge", problem);
  }

  async #initError(request: Request): Promise<Response> {
    if (this.#isReady) {
      return refusal(
        403,
        "InvalidStateTransition",
        "The initialization is over: post the error of an invocation",
      );
    }
    this.end(reportedError(await readWithin(request, ERROR_BYTES), request.headers));
    return ACCEPTED();
  }
}

const ACCEPTED = () => json(202, { status: "OK" });

function refusal(status: number, errorType: string, errorMessage: string): Response {
  return json(status, { errorMessage, errorType });
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

/** An answer that is no JSON, such as the text of a shell script, is a text. */
function answerOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a program says of its error; any of it may be missing, and any of it may be of another kind. */
function reportedError(text: string | undefined, headers: Headers): FunctionError {
  const body = text === undefined ? undefined : answerOf(text);
  const said = (name: string): string | undefined => {
    const value = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === "string" && value !== "" ? value.slice(0, MOST_TEXT) : undefined;
  };
  const type = said("errorType") ?? headers.get("lambda-runtime-function-error-type") ?? "Runtime.Unknown";
  const plain = typeof body === "string" && body !== "" ? body.slice(0, MOST_TEXT) : "no message";
  return new FunctionError(type, said("errorMessage") ?? plain);
}

/** A message is for a log. Ours. */
const MOST_TEXT = 2048;

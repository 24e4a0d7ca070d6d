/**
 * A child process that a test plays by hand.
 *
 * @module
 */

import type { ChildExit, ChildProcess } from "../../src/child_process.ts";

/** A child under the test's hand. Its pid is 7. */
export class FakeChild implements ChildProcess {
  readonly pid = 7;
  /** The signals that it got. */
  readonly signals: string[] = [];
  readonly exited: Promise<ChildExit>;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  isInputClosed = false;
  isReleased = false;
  /** Signals that end it. */
  mortalTo: readonly string[] = ["SIGTERM", "SIGKILL"];
  /** Whether it ends when its stdin ends. */
  endsWithInput = true;
  /** Programs that it started: each with the signals that end it. They stay when it ends. */
  rest: (readonly string[])[] = [];
  /** Makes writes fail. */
  writeError: Error | undefined;
  /** While set, the pipe takes nothing. */
  blocked: Promise<void> | undefined;

  readonly #out: Outlet = new Outlet();
  readonly #err: Outlet = new Outlet();
  readonly #exit = Promise.withResolvers<ChildExit>();
  readonly #lines: string[] = [];
  #line = "";
  #arrived = Promise.withResolvers<void>();

  constructor() {
    this.exited = this.#exit.promise;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
  }

  /** The next line that it reads. */
  async nextLine(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** Lines that were not read yet. */
  get unread(): number {
    return this.#lines.length;
  }

  /** Prints. */
  say(text: string): void {
    this.#out.put(new TextEncoder().encode(text));
  }

  /** Prints a status. */
  status(responseFor: string): void {
    this.say(`\n${JSON.stringify({ action: "status", responseFor })}\n`);
  }

  /** Prints on stderr. */
  complain(text: string): void {
    this.#err.put(new TextEncoder().encode(text));
  }

  closeStdout(): void {
    this.#out.end();
  }

  /** Ends, with its pipes. */
  exit(code: number | undefined = 0, signal?: string): void {
    this.#out.end();
    this.#err.end();
    this.writeError ??= new Error("broken pipe");
    this.#exit.resolve({ code: signal === undefined ? code : undefined, signal });
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.blocked;
    if (this.writeError !== undefined) throw this.writeError;
    const lines = (this.#line + new TextDecoder().decode(bytes)).split("\n");
    this.#line = lines.pop() ?? "";
    this.#lines.push(...lines);
    this.#arrived.resolve();
  }

  closeInput(): void {
    this.isInputClosed = true;
    if (this.endsWithInput) this.exit();
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.signals.push(signal);
    this.rest = this.rest.filter((mortalTo) => !mortalTo.includes(signal));
    if (this.mortalTo.includes(signal)) this.exit(undefined, signal);
  }

  hasRest(): boolean {
    return this.rest.length > 0;
  }

  release(): void {
    this.isReleased = true;
    this.#out.end();
    this.#err.end();
  }
}

class Outlet {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    this.stream = new ReadableStream({ start: (controller) => void (this.#controller = controller) });
  }

  put(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }
}

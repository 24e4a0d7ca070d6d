/**
 * Child processes of the interop run: started, listened to, stopped or killed.
 *
 * @module
 */

/** A program under way. */
export class RunningProgram {
  /** Ends when the program has; never rejects. */
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  #hasEnded = false;

  /** Starts a program; hands on each line of its output. */
  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    this.#child = new Deno.Command(command, {
      args: [...args],
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { onLine = () => {}, onErrorLine = () => {} } = options;
    this.ended = Promise.all([
      eachLine(this.#child.stdout, onLine),
      eachLine(this.#child.stderr, onErrorLine),
      this.#child.status,
    ]).then(() => void (this.#hasEnded = true));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Stops the program's time, lets it go on, or tells it what it takes SIGUSR2 for. */
  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGUSR2"): void {
    this.#child.kill(signal);
  }

  /** Sends a signal, if there is still somebody to get it, and waits for the end. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (!this.#hasEnded) this.#child.kill(signal);
    await this.ended;
  }
}

/** Options of {@linkcode RunningProgram}. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  readonly onErrorLine?: (line: string) => void;
}

/** A port that is free at this moment, on all addresses. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return listener.addr.port;
}

/** Waits until something holds. @throws after `limitMs`, naming what was waited for and how things stood. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { limitMs, state }: { readonly limitMs: number; readonly state?: () => string | Promise<string> },
): Promise<number> {
  const startedMs = performance.now();
  while (!await holds()) {
    if (performance.now() - startedMs > limitMs) {
      throw new Error(`not within ${limitMs} ms: ${what}${state === undefined ? "" : `: ${await state()}`}`);
    }
    await pause(200);
  }
  return performance.now() - startedMs;
}

/** Whether somebody answers a GET, whatever the answer is. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.body?.cancel();
  return response !== undefined;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function eachLine(stream: ReadableStream<Uint8Array>, hear: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) hear(line);
  }
  if (rest !== "") hear(rest);
}

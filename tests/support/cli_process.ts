/**
 * The command line program in a process of its own, beside emulators.
 *
 * @module
 */

/** What a program is started with. */
export interface CliOptions {
  /** Arguments of Deno, up to and including the program. */
  readonly deno: readonly string[];
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment but for what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Where it prints, in the words of a shell, e.g. `>/dev/full 2>&1`.
   *
   * @default to where {@linkcode CliProcess.output} hears it
   */
  readonly printsTo?: string;
}

/** A running program. Disposing it kills it. */
export class CliProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  #output = "";
  #waiting: (() => void)[] = [];

  constructor({ deno, args, cwd, env = {}, printsTo }: CliOptions) {
    const kept = Object.fromEntries(
      ["PATH", "HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY", "DENO_CERT", "DENO_TLS_CA_STORE"].flatMap(
        (name) => {
          const value = Deno.env.get(name);
          return value === undefined ? [] : [[name, value]];
        },
      ),
    );
    const [program, first]: [string, string[]] = printsTo === undefined
      ? [Deno.execPath(), []]
      : ["/bin/sh", ["-c", `exec "$0" "$@" ${printsTo}`, Deno.execPath()]];
    this.#child = new Deno.Command(program, {
      args: [...first, ...deno, ...args],
      cwd,
      clearEnv: true,
      env: { ...kept, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", AWS_EC2_METADATA_DISABLED: "true", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#follow(this.#child.stdout), this.#follow(this.#child.stderr)]);
  }

  /** All that it has printed, stdout and stderr in the order of arrival. */
  get output(): string {
    return this.#output;
  }

  /**
   * Waits until it has printed something that matches. @throws {Error} after half a minute, or when it ends
   * before.
   */
  async printed(pattern: RegExp): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    let isOver = false;
    this.#read.then(() => {
      isOver = true;
      this.#wake();
    });
    while (!pattern.test(this.#output) && !isOver) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    clearTimeout(timer);
    if (!pattern.test(this.#output)) {
      throw new Error(`expected ${pattern} to be printed: got\n${this.#output}`);
    }
  }

  /** Reads no more of what it prints, and closes the pipes. */
  async closeOutput(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.cancel()));
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The exit code, once it has ended. Kills it after half a minute. */
  async exitCode(): Promise<number> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#read;
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    this.#readers.push(reader);
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      this.#output += decoder.decode(read.value, { stream: true });
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

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
}

/** A running program. Disposing it kills it. */
export class CliProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #output = "";
  #waiting: (() => void)[] = [];

  constructor({ deno, args, cwd, env = {} }: CliOptions) {
    const kept = Object.fromEntries(
      ["PATH", "HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY", "DENO_CERT", "DENO_TLS_CA_STORE"].flatMap(
        (name) => {
          const value = Deno.env.get(name);
          return value === undefined ? [] : [[name, value]];
        },
      ),
    );
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...deno, ...args],
      cwd,
      clearEnv: true,
      env: { ...kept, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", AWS_EC2_METADATA_DISABLED: "true", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#follow(this.#child.stdout), this.#follow(this.#child.stderr)]);
  }

  /** All that it printed so far, stdout and stderr as they came. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has printed something that matches. @throws {Error} after half a minute, or when it ends before. */
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
    for await (const bytes of stream) {
      this.#output += decoder.decode(bytes, { stream: true });
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/**
 * The whole program as a process: `cli.ts` with a properties file, on emulators.
 *
 * @module
 */

import type { TestBed } from "../support/fleet.ts";

/** A running program. Disposing it kills what is left of it. */
export class Daemon implements AsyncDisposable {
  readonly pid: number;
  /** How it ended. */
  readonly exitCode: Promise<number>;
  readonly #process: Deno.ChildProcess;
  readonly #folder: string | undefined;
  readonly #reading: Promise<void>;
  #log = "";
  #hasEnded = false;

  private constructor(process: Deno.ChildProcess, folder: string | undefined) {
    this.#process = process;
    this.#folder = folder;
    this.pid = process.pid;
    this.exitCode = process.status.then(({ code }) => {
      this.#hasEnded = true;
      return code;
    });
    this.#reading = this.#read();
  }

  /**
   * Starts the program on a test bed. No java can be found: PATH has no more than a shell's own programs.
   *
   * @param properties Added to those that name the bed.
   */
  static async start(
    bed: TestBed,
    executableName: string,
    properties: Readonly<Record<string, string | number>> = {},
  ): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "kclite-daemon-" });
    const all = {
      executableName,
      applicationName: "app",
      streamName: bed.stream.streamName,
      regionName: "us-east-1",
      kinesisEndpoint: bed.stream.url,
      dynamoDBEndpoint: bed.dynamoDBUrl,
      AwsCredentialsProvider: "EnvironmentVariableCredentialsProvider",
      initialPositionInStream: "TRIM_HORIZON",
      retrievalMode: "POLLING",
      idleTimeBetweenReadsInMillis: 200,
      failoverTimeMillis: 2000,
      taskBackoffTimeMillis: 50,
      metricsLevel: "NONE",
      ...properties,
    };
    const file = `${folder}/app.properties`;
    await Deno.writeTextFile(file, Object.entries(all).map(([key, value]) => `${key} = ${value}\n`).join(""));
    const path = `${folder}/bin`;
    await Deno.mkdir(path);
    const env = { PATH: path, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    return Daemon.run(Deno.execPath(), ["run", "-A", "--no-lock", "-q", "cli.ts", file], env, folder);
  }

  /**
   * Runs any command line that ends up as the program.
   *
   * @param env Variables beside our own.
   * @param folder Removed in the end.
   */
  static run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    folder?: string,
  ): Daemon {
    const process = new Deno.Command(program, {
      args: [...args],
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // A process group of its own, as a shell gives to what it starts.
      detached: true,
    }).spawn();
    return new Daemon(process, folder);
  }

  /** All that it said so far, on stdout and stderr. */
  get log(): string {
    return this.#log;
  }

  /** What the programs of `children/app.ts` said in the mode `words`: process id and text. */
  get notes(): readonly { readonly pid: number; readonly text: string }[] {
    return [...this.#log.matchAll(/stderr: (\d+) (\S+)$/gm)].map(([, pid, text]) => ({
      pid: Number(pid),
      text: text ?? "",
    }));
  }

  /** Waits until something has come true; gives up when the program has ended. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (const startMs = performance.now(); !await condition();) {
      if (this.#hasEnded || performance.now() - startMs > 30_000) {
        throw new Error(`${what} did not come:\n${this.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Sends a signal to its whole process group, as a terminal does. Children have groups of their own. */
  async killGroup(signal: string): Promise<void> {
    await new Deno.Command("sh", { args: ["-c", `kill -${signal} -${this.pid}`] }).output();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // In order first: an emulator does not like a client that dies in the middle of a request.
    await this.killGroup("TERM");
    // The second TERM has it kill its children, which are in other groups.
    const timers = [["TERM", 8000], ["KILL", 10_000]] as const;
    const ids = timers.map(([signal, ms]) => setTimeout(() => this.killGroup(signal), ms));
    await this.exitCode;
    ids.forEach(clearTimeout);
    await this.killGroup("KILL");
    await this.exitCode;
    await this.#reading;
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }

  async #read(): Promise<void> {
    const { stdout, stderr } = this.#process;
    await Promise.all([stdout, stderr].map(async (stream) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#log += text;
    }));
  }
}

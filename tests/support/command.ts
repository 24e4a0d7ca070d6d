/**
 * Runs a program to its end and keeps what it said.
 *
 * @module
 */

/** How a program ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@linkcode runCommand}. */
export interface CommandOptions {
  /** Working directory. @default the caller's */
  readonly cwd?: string;
  /** Variables added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** When the program is killed, in ms. @default {60000} */
  readonly timeoutMs?: number;
}

/**
 * Runs a program without a shell and without colours. A program that is killed at its time limit ends with a
 * code of 128 or more.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs ?? 60_000);
  try {
    const output = await new Deno.Command(command, {
      args: [...args],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env },
      stdin: "null",
      signal: limit.signal,
    }).output();
    const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code: output.code, stdout: stdout ?? "", stderr: stderr ?? "" };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a program of that name can be started here. */
export async function canRun(command: string, question = "--version"): Promise<boolean> {
  try {
    return (await runCommand(command, [question])).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Whether a process ends, within some seconds on a busy machine; one that only waits for its parent to look
 * has ended too.
 */
export async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    const { stdout } = await runCommand("ps", ["-o", "stat=", "-p", `${pid}`]);
    if (stdout.trim() === "" || stdout.trim().startsWith("Z")) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

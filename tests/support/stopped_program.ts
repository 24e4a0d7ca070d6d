/**
 * Runs a program that goes on until it is stopped.
 *
 * @module
 */

/**
 * Sends SIGTERM with the first text that the program prints. A program that goes on is killed.
 *
 * @returns How the program ended.
 */
export async function stopAtFirstOutput(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly stdout: string }> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const limit = setTimeout(() => child.kill("SIGKILL"), 30_000);
  try {
    let stdout = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (stdout === "") child.kill("SIGTERM");
      stdout += part;
    }
    return { code: (await child.status).code, stdout };
  } finally {
    clearTimeout(limit);
  }
}

/** What examples/node/main.mjs prints: words, and that it stopped in order. */
export const NODE_EXAMPLE_OUTPUT: RegExp =
  /^shardId-000000000000: \d{4}-\d\d-\d\dT[^]*\nstopped in order: [^\n]*\n$/;

/**
 * A child process, as the library sees one: bytes in, bytes out, an end. `src/host/child_starter.ts` starts
 * real ones; tests put their own in its place.
 *
 * @module
 */

/** How a child ended: by itself with a code, or by a signal. Exactly one of the two is set. */
export interface ChildExit {
  readonly code: number | undefined;
  /** e.g. `SIGKILL`. */
  readonly signal: string | undefined;
}

/** A running child process, its three streams being pipes. */
export interface ChildProcess {
  readonly pid: number;
  /**
   * Writes to the child's stdin. Resolves once the pipe has taken all of it: await that, or memory has no
   * bound. Rejects when the child no longer reads.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes the child's stdin, after what was written. Harmless when repeated. */
  closeInput(): void;
  /** What the child prints. Ends, or throws, when nothing more can come. To be read once. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** What the child complains. Ends, or throws, when nothing more can come. To be read once. */
  readonly stderr: AsyncIterable<Uint8Array>;
  /**
   * Resolves when the process has ended, which says nothing about its pipes: a grandchild may hold them open.
   * Never rejects.
   */
  readonly exited: Promise<ChildExit>;
  /**
   * Sends a signal to the process group of the child, that is to the child and the programs that it started.
   * To the child alone where groups cannot be signalled. Without effect on processes that have ended.
   */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /**
   * Whether programs that the child started are there still after its own end. False where groups cannot be
   * signalled. A program that has ended counts until its parent has asked for its exit code.
   */
  hasRest(): boolean;
  /** Closes our ends of the pipes; reading them then ends. Harmless when repeated. */
  release(): void;
}

/**
 * Starts a program, found like a shell finds it: a name with a slash from the working directory, any other on
 * PATH. Working directory and environment are our own; `environment` is added to ours. Its process group is a
 * new one, but on Windows.
 *
 * Rejects when it cannot be started.
 */
export type Spawn = (
  program: string,
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
) => Promise<ChildProcess>;

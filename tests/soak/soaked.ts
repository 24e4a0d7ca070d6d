/**
 * A worker's process, as its parent sees it.
 *
 * @module
 */

import type { MemorySample } from "./flatness.ts";
import type { SoakedWorker } from "./worker.ts";

const WORKER = new URL("worker.ts", import.meta.url).pathname;

/** What a worker's process is heard for. */
export interface Hearing {
  readonly onRecord: (text: string) => void;
  readonly onCompleted: (shardId: string) => void;
}

/** One worker's process. */
export class Soaked implements AsyncDisposable {
  readonly samples: MemorySample[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #heard: Promise<void>;
  hasEnded = false;

  constructor(worker: SoakedWorker, hears: Hearing) {
    const args = ["run", "-A", "--v8-flags=--expose-gc", WORKER, JSON.stringify(worker)];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
    this.#heard = this.#hear(hears);
  }

  /** SIGSTOP makes it stand still, SIGCONT lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    if (!this.hasEnded) this.#child.kill(name);
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGTERM");
    await this.#heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.#heard;
  }

  async #hear({ onRecord, onCompleted }: Hearing): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("m ")) this.samples.push(JSON.parse(line.slice(2)));
        else if (line.startsWith("e ")) onCompleted(line.slice(2));
        else for (const record of line.slice(2).split(" ")) onRecord(record);
      }
    }
    await this.#child.status;
    this.hasEnded = true;
  }
}

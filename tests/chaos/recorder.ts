/**
 * The processor of a chaos run: writes down what it did in the file that `CHAOS_FOLDER` and its process id name, so that what a killed
 * process did is known too. Named by the properties file of each worker; runs in the process of the command line.
 *
 * @module
 */

import type { RecordProcessor, RecordsBatch, ShardContext } from "../../mod.ts";
import type { ChaosLine } from "./ledger.ts";

/** Each call writes a whole line at once, to a file that is opened for appending. */
const file = Deno.openSync(`${Deno.env.get("CHAOS_FOLDER")}/${Deno.pid}.jsonl`, {
  create: true,
  append: true,
});
const started = Date.now();

export default class Recorder implements RecordProcessor {
  readonly #hold: string;
  static #holds = 0;

  constructor(shardId: string) {
    this.#hold = `${Deno.pid}.${started}.${++Recorder.#holds} ${shardId}`;
  }

  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    const enteredMs = Date.now();
    const text = new TextDecoder();
    // Work of some ms, so that kills and pauses meet a processor at its work.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    this.#write({ what: "processed", atMs: enteredMs, texts: records.map(({ data }) => text.decode(data)) });
    // Not each time: what a kill leaves unstored is larger than one batch then.
    if (Math.random() < 0.5) return;
    try {
      await this.#checkpoint(context, "checkpointed");
    } catch {
      // Not thrown on: what has been written down as processed would count as failed, and come again. A later checkpoint
      // covers it, or nothing does, as after a kill.
    }
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#checkpoint(context, "ended");
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#checkpoint(context, "ended");
  }

  async #checkpoint(context: ShardContext, what: "checkpointed" | "ended"): Promise<void> {
    await context.checkpoint();
    this.#write({ what, atMs: Date.now() });
  }

  #write(line: Omit<ChaosLine, "hold">): void {
    file.writeSync(new TextEncoder().encode(`${JSON.stringify({ hold: this.#hold, ...line })}\n`));
  }
}

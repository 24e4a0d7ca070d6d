/**
 * A program for fake children: it notes what it is told, does what its handlers say, and answers each action.
 *
 * @module
 */

import type { Spawn } from "../../src/child_process.ts";
import { FakeChild } from "./fake_child.ts";

/** A message as a child sees it. */
export type Told = Readonly<Record<string, unknown>> & { readonly action: string };

/** What a handler can do. */
export interface Hand {
  readonly child: FakeChild;
  /** Which child of the program this is, from 0. */
  readonly index: number;
  /** Asks for a checkpoint, and gives the error of the reply. */
  checkpoint(fields?: Readonly<Record<string, unknown>>): Promise<string | null>;
}

/** Called for an action, before it is answered. A promise that never resolves leaves it unanswered. */
export type Handler = (message: Told, hand: Hand) => void | Promise<void>;

/** Fake children of one program. */
export class FakeProgram {
  readonly children: FakeChild[] = [];
  /** Everything that children were told: index of the child and action, with sequence numbers. */
  readonly told: string[] = [];
  readonly replies: Told[] = [];
  readonly #on: Readonly<Record<string, Handler>>;
  /** Thrown by the next spawns. */
  readonly spawnErrors: Error[] = [];
  /** What each child got besides our own environment. */
  readonly environments: (Readonly<Record<string, string>> | undefined)[] = [];

  constructor(on: Readonly<Record<string, Handler>> = {}) {
    this.#on = on;
  }

  readonly spawn: Spawn = async (_program, _args, environment) => {
    this.environments.push(environment);
    const error = this.spawnErrors.shift();
    if (error !== undefined) throw error;
    const child = new FakeChild();
    const index = this.children.push(child) - 1;
    this.#play(child, index);
    return child;
  };

  async #play(child: FakeChild, index: number): Promise<void> {
    const next = async () => JSON.parse(await child.nextLine()) as Told;
    const hand: Hand = {
      child,
      index,
      checkpoint: async (fields = {}) => {
        child.say(`${JSON.stringify({ action: "checkpoint", ...fields })}\n`);
        const reply = await next();
        this.replies.push(reply);
        return reply.error as string | null;
      },
    };
    for (;;) {
      const message = await next();
      this.told.push(`${index} ${message.action}${detailOf(message)}`);
      await this.#on[message.action]?.(message, hand);
      child.status(message.action);
    }
  }
}

function detailOf(message: Told): string {
  if (message.action === "initialize") return ` ${message.shardId} ${message.sequenceNumber}`;
  if (message.action !== "processRecords") return "";
  const records = message.records as readonly { readonly sequenceNumber: string }[];
  return ` ${records.map((record) => record.sequenceNumber).join("+")}`;
}

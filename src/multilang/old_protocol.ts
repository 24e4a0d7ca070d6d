// Pure.
/**
 * Suspects a program that speaks the protocol of KCL 1.x. There a shard ends with `shutdown`, and a program
 * that does not know `shardEnded` or `leaseLost` ends with an error. It works until its first shard ends, and
 * then it fails with each restart.
 *
 * @module
 */

import type { Action } from "./message.ts";

/** After this many failures the question is raised: one alone may be an accident. Ours. */
const MOST_FAILURES = 2;

/** What the children of one program make of the actions that KCL 1.x does not have. */
export class OldProtocol {
  #failures = 0;
  #isOver = false;

  /** A child has answered: a program that knows such an action is not suspected again. */
  answered(action: Action): void {
    if (isNew(action)) this.#isOver = true;
  }

  /** A child has failed at its first action of that name. @returns The question, once. */
  failed(action: Action): string | undefined {
    if (!isNew(action) || this.#isOver || ++this.#failures < MOST_FAILURES) return undefined;
    this.#isOver = true;
    return `Child processes failed ${MOST_FAILURES} times at their first "${action}": does the program speak the protocol of KCL 1.x? ` +
      "It needs a library for KCL 2.x or 3.x, such as amazon_kclpy 2.0 or newer";
  }
}

function isNew(action: Action): boolean {
  return action === "shardEnded" || action === "leaseLost";
}

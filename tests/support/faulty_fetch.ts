/**
 * A `fetch` that a test can break for one service: cut off, answers lost after the service did its work,
 * never answering.
 *
 * @module
 */

import { realSystem, type System } from "../../src/system.ts";

/** What happens to a request. */
export type Fault =
  /** The request does not arrive. */
  | "refused"
  /** The service does its work, but its answer is lost. */
  | "answerLost"
  /** Nothing ever comes back. */
  | "silent";

/** Decides about one request: its operation, e.g. `UpdateItem`. Undefined lets it through. */
export type FaultOf = (operation: string, body: string) => Fault | undefined;

/** A system with a fetch under the test's hand. */
export class FaultySystem implements System {
  readonly clock: System["clock"] = realSystem.clock;
  readonly random: System["random"] = realSystem.random;
  /** Set and unset by the test. */
  faultOf: FaultOf = () => undefined;
  /** How many requests met a fault. */
  faults = 0;

  readonly fetch: System["fetch"] = async (input, init) => {
    const request = new Request(input, init);
    const operation = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
    const fault = this.faultOf(operation, await request.clone().text());
    if (fault !== undefined) this.faults++;
    switch (fault) {
      case undefined:
        return await fetch(request);
      case "refused":
        throw new TypeError("connection refused, by the test");
      case "answerLost": {
        const answer = await fetch(request);
        await answer.body?.cancel();
        throw new TypeError("connection reset, by the test");
      }
      case "silent":
        return await new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
        });
    }
  };
}

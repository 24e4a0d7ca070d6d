import { assertEquals } from "@std/assert";
import { inTurn } from "../../src/observe/listeners.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";

Deno.test("inTurn() calls each listener in order, whatever the others throw or reject with", async () => {
  const heard: string[] = [], failures: unknown[] = [];
  const listen = inTurn([
    () => void heard.push("first"),
    () => {
      throw new Error("disk full");
    },
    // deno-lint-ignore require-await -- what users write
    async () => {
      throw new Error("rejected");
    },
    ({ type }) => void heard.push(type),
  ], (error) => failures.push(error));
  listen(SAMPLE_EVENTS.workerReady);
  assertEquals(heard, ["first", "workerReady"]);
  await Promise.resolve().then(() => {});
  assertEquals(failures, [new Error("disk full"), new Error("rejected")]);
});

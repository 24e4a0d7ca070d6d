import { assertEquals, assertRejects } from "@std/assert";
import { sayWhileWaiting } from "../../src/async/still_waiting.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("sayWhileWaiting() says what it waits for after five seconds, and then every minute", async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const gate = Promise.withResolvers<string>();
  const waiting = sayWhileWaiting("the moon", { clock, say: (text) => said.push(text) }, () => gate.promise);
  await clock.advance(4999);
  assertEquals(said, []);
  await clock.advance(130_001);
  assertEquals(said, [
    "Still waiting for the moon, for 5 s by now",
    "Still waiting for the moon, for 65 s by now",
    "Still waiting for the moon, for 125 s by now",
  ]);
  gate.resolve("risen");
  assertEquals(await waiting, "risen");
  assertEquals(clock.pendingMs, []);
});

Deno.test("sayWhileWaiting() passes a failure on, and leaves no timer behind", async () => {
  const clock = new FakeClock();
  const say = () => {};
  await assertRejects(
    () => sayWhileWaiting("x", { clock, say }, () => Promise.reject(new Error("no"))),
    Error,
    "no",
  );
  await assertRejects(
    () =>
      sayWhileWaiting("x", { clock, say }, () => {
        throw new Error("at once");
      }),
    Error,
    "at once",
  );
  assertEquals(clock.pendingMs, []);
});

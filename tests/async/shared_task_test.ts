import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { SharedTask } from "../../src/async/shared_task.ts";

/** A task whose runs a test ends by hand. */
function scripted() {
  const runs: (PromiseWithResolvers<number> & { readonly abandoned: AbortSignal })[] = [];
  const task = new SharedTask<number>((abandoned) => {
    const run = Promise.withResolvers<number>();
    runs.push({ ...run, abandoned });
    return run.promise;
  });
  return { task, runs };
}

Deno.test("SharedTask.join() runs the work once for all who wait, and anew for who comes after", async () => {
  const { task, runs } = scripted();
  const waiting = [task.join(undefined), task.join(new AbortController().signal)];
  assertEquals([runs.length, task.isUnderWay], [1, true]);
  runs[0]?.resolve(7);
  assertEquals(await Promise.all(waiting), [7, 7]);
  assertEquals([task.isUnderWay, runs[0]?.abandoned.aborted], [false, false]);
  const next = task.join(undefined);
  runs[1]?.resolve(8);
  assertEquals([await next, runs.length], [8, 2]);
});

Deno.test("SharedTask.join() passes a failure to all who wait, and a caller of that moment does not meet it again", async () => {
  const { task, runs } = scripted();
  const first = task.join(undefined).catch(() => task.join(undefined));
  const second = task.join(undefined);
  runs[0]?.reject(new Error("refused"));
  await assertRejects(() => second, Error, "refused");
  runs[1]?.resolve(8);
  assertEquals(await first, 8);
});

Deno.test("SharedTask.join() that is aborted leaves the work to the others; the last to leave ends it, for its reason", async () => {
  const { task, runs } = scripted();
  const stops = [new AbortController(), new AbortController()];
  const left = stops.map(({ signal }) => task.join(signal).catch((error) => error));
  const reasons = [new Error("first"), new Error("last")];
  stops[0]?.abort(reasons[0]);
  assertStrictEquals(await left[0], reasons[0]);
  assertEquals([runs[0]?.abandoned.aborted, task.isUnderWay], [false, true]);
  stops[1]?.abort(reasons[1]);
  assertStrictEquals(await left[1], reasons[1]);
  assertEquals([runs[0]?.abandoned.reason, task.isUnderWay], [reasons[1], false]);
});

Deno.test("SharedTask.join() after all have left begins anew, whatever the abandoned run does", async () => {
  const { task, runs } = scripted();
  const stop = new AbortController();
  const left = task.join(stop.signal).catch(() => "left");
  stop.abort();
  assertEquals(await left, "left");
  const next = task.join(undefined);
  runs[0]?.reject(new Error("late")); // and nobody is disturbed by it
  await Promise.resolve();
  assertEquals([task.isUnderWay, runs.length], [true, 2]);
  runs[1]?.resolve(8);
  assertEquals(await next, 8);
});

Deno.test("SharedTask.join() begins nothing under a signal that has aborted", async () => {
  const { task, runs } = scripted();
  await assertRejects(() => task.join(AbortSignal.abort(new Error("stop"))), Error, "stop");
  assertEquals([runs.length, task.isUnderWay], [0, false]);
});

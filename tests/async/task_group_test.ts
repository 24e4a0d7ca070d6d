import { assertEquals, assertRejects } from "@std/assert";
import { forEachAtMost, Semaphore, TaskGroup } from "../../src/async/task_group.ts";

/** Work that lasts until it is let go. */
class Bench {
  readonly started: number[] = [];
  readonly #ends = new Map<
    number,
    { readonly resolve: () => void; readonly reject: (error: Error) => void }
  >();
  readonly work = (item: number): Promise<void> => {
    this.started.push(item);
    return new Promise((resolve, reject) => this.#ends.set(item, { resolve, reject }));
  };

  async end(item: number, error?: Error): Promise<void> {
    const { resolve, reject } = this.#ends.get(item) ?? {};
    if (error === undefined) resolve?.();
    else reject?.(error);
    await new Promise((turn) => setTimeout(turn, 0));
  }
}

Deno.test("forEachAtMost() has so many under way and no more, started in order", async () => {
  const bench = new Bench();
  const done = forEachAtMost([1, 2, 3, 4], 2, bench.work);
  assertEquals(bench.started, [1, 2]);
  await bench.end(2);
  assertEquals(bench.started, [1, 2, 3]);
  await bench.end(1);
  await bench.end(3);
  await bench.end(4);
  await done;
});

Deno.test("forEachAtMost() starts nothing after a failure, and throws it when the others are over", async () => {
  const bench = new Bench();
  let isOver = false;
  const done = forEachAtMost([1, 2, 3], 2, bench.work).finally(() => isOver = true);
  const rejected = assertRejects(() => done, Error, "no table");
  await bench.end(1, new Error("no table"));
  assertEquals([bench.started, isOver], [[1, 2], false]);
  await bench.end(2);
  await rejected;
  assertEquals(bench.started, [1, 2]);
});

Deno.test("TaskGroup.done() waits for tasks that tasks start, and reports each failure", async () => {
  const failures: unknown[] = [];
  const tasks = new TaskGroup((error) => failures.push(error));
  const gate = Promise.withResolvers<void>();
  tasks.run(async () => {
    await Promise.resolve();
    tasks.run(() => gate.promise);
    throw "first";
  });
  let isOver = false;
  const done = tasks.done().then(() => isOver = true);
  await new Promise((turn) => setTimeout(turn, 0));
  assertEquals([failures, isOver], [["first"], false]);
  gate.resolve();
  await done;
});

Deno.test("Semaphore.run() has so many under way, the rest in order, and a failure frees a place", async () => {
  const bench = new Bench();
  const semaphore = new Semaphore(2);
  const all = [1, 2, 3, 4, 5].map((item) => semaphore.run(() => bench.work(item)).catch(String));
  await bench.end(0);
  assertEquals(bench.started, [1, 2]);
  await bench.end(2, new Error("no table"));
  assertEquals(bench.started, [1, 2, 3]);
  await bench.end(1);
  assertEquals(bench.started, [1, 2, 3, 4]);
  for (const item of [3, 4, 5]) await bench.end(item);
  assertEquals(await Promise.all(all), [undefined, "Error: no table", undefined, undefined, undefined]);
  // All places are free again, and no more than there were.
  const again = [6, 7, 8].map((item) => semaphore.run(() => bench.work(item)));
  await bench.end(0);
  assertEquals(bench.started.slice(5), [6, 7]);
  for (const item of [6, 7, 8]) await bench.end(item);
  await Promise.all(again);
});

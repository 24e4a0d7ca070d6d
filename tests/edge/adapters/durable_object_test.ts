/** The Durable Object, on a small model of the platform's alarms. `tests/runtimes` has the real one. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { cloudflareDurableObject, type SliceWorker } from "../../../src/edge/mod.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { QUIET_SLICE, ScriptedSlices } from "../../support/scripted_slices.ts";

const BUDGET_MS = 20_000;

/**
 * One object and its alarm. Source: developers.cloudflare.com/durable-objects/api/alarms: an alarm is taken off when its handler
 * begins, and tried again six times when it throws, if the handler set none.
 */
class Platform {
  readonly clock = new FakeClock();
  readonly names: string[] = [];
  alarmAt: number | null = null;
  readonly #worker: SliceWorker;
  #made = 0;

  constructor(worker: SliceWorker) {
    this.#worker = worker;
  }

  get made(): number {
    return this.#made;
  }

  /** A newly loaded object. */
  load() {
    const Consumer = cloudflareDurableObject<{ readonly name: string }>(
      (env, id) => {
        this.#made++;
        this.names.push(`${env.name} ${id}`);
        return this.#worker;
      },
      { budgetMs: BUDGET_MS },
      this.clock,
    );
    const storage = {
      getAlarm: () => Promise.resolve(this.alarmAt),
      setAlarm: (at: number) => {
        this.alarmAt = at;
        return Promise.resolve();
      },
    };
    return new Consumer({ id: { toString: () => "id-1" }, storage }, { name: "env" });
  }

  /** How long until the alarm, in ms; null if there is none. */
  get inMs(): number | null {
    return this.alarmAt === null ? null : this.alarmAt - this.clock.epochMs();
  }
}

Deno.test("cloudflareDurableObject() sets the next alarm before the slice ends, and again after it", async () => {
  const { promise, resolve } = Promise.withResolvers<typeof QUIET_SLICE>();
  const worker = new ScriptedSlices(promise);
  const platform = new Platform(worker);
  const running = platform.load().alarm();
  await Promise.resolve();
  const before = platform.inMs;
  assert(
    before !== null && before > BUDGET_MS,
    "an isolate that dies now is woken after the slice lock has expired",
  );
  resolve({ ...QUIET_SLICE, nextInMs: 700 });
  await running;
  assertEquals(platform.inMs, 700);
  assertEquals(worker.given, [{ budgetMs: BUDGET_MS }]);
});

Deno.test("cloudflareDurableObject() makes one worker, named by the object's id, for as long as the object is loaded", async () => {
  const platform = new Platform(new ScriptedSlices());
  const object = platform.load();
  await object.alarm();
  await object.alarm();
  assertEquals([platform.made, platform.names], [1, ["env id-1"]]);
  await platform.load().alarm();
  assertEquals(platform.names, ["env id-1", "env id-1"]);
});

Deno.test("cloudflareDurableObject() shows an error each time that the platform tries again, and then goes on with a new alarm", async () => {
  const wrong = new RangeError("budgetMs is wrong");
  const platform = new Platform(new ScriptedSlices(...Array.from({ length: 7 }, () => wrong)));
  const object = platform.load();
  for (let retryCount = 0; retryCount < 6; retryCount++) {
    await assertRejects(() => object.alarm({ retryCount }), RangeError, "budgetMs is wrong");
    assertEquals(platform.inMs, 60_000);
  }
  platform.alarmAt = null;
  await object.alarm({ retryCount: 6 });
  assertEquals(platform.inMs, 60_000);
});

Deno.test("cloudflareDurableObject() has an alarm too when its worker cannot be made", async () => {
  const clock = new FakeClock();
  let alarmAt: number | null = null;
  const Consumer = cloudflareDurableObject(
    () => {
      throw new TypeError("streamName is missing");
    },
    { budgetMs: BUDGET_MS },
    clock,
  );
  const object = new Consumer({
    id: "x",
    storage: { getAlarm: () => Promise.resolve(alarmAt), setAlarm: (at) => void (alarmAt = at) },
  }, {});
  await assertRejects(() => object.alarm(), TypeError, "streamName is missing");
  assertEquals(alarmAt, clock.epochMs() + 60_000);
});

Deno.test("cloudflareDurableObject() sets an alarm at a request if there is none, and shows the last slice without its errors", async () => {
  const secret = new Error("with a secret");
  const failures = [{ step: "fetch", text: "Kinesis is away", error: secret }];
  const platform = new Platform(new ScriptedSlices({ ...QUIET_SLICE, failures }));
  const object = platform.load();
  const state = async () => await (await object.fetch(new Request("https://consumer/"))).json();
  assertEquals(await state(), { alarmAt: platform.clock.epochMs() });
  platform.alarmAt = 17;
  assertEquals(await state(), { alarmAt: 17 });
  await object.alarm();
  const { last } = await state();
  assertEquals(last, { ...QUIET_SLICE, failures: [{ step: "fetch", text: "Kinesis is away" }] });
});

import { assertEquals, assertRejects } from "@std/assert";
import { cloudflareRearm, cloudflareScheduled } from "../../../src/edge/mod.ts";
import { ScriptedSlices } from "../../support/scripted_slices.ts";

Deno.test("cloudflareScheduled() runs one slice per trigger, with one worker for the isolate", async () => {
  const worker = new ScriptedSlices();
  const made: string[] = [];
  const scheduled = cloudflareScheduled<string>((env) => {
    made.push(env);
    return worker;
  }, { budgetMs: 50_000 });
  await scheduled({ cron: "* * * * *" }, "env");
  await scheduled({ cron: "* * * * *" }, "env");
  assertEquals([made, worker.given], [["env"], [{ budgetMs: 50_000 }, { budgetMs: 50_000 }]]);
});

Deno.test("cloudflareScheduled() lets the platform see an error", async () => {
  const scheduled = cloudflareScheduled(() => new ScriptedSlices(new RangeError("wrong")), { budgetMs: 1 });
  await assertRejects(() => scheduled({}, {}), RangeError, "wrong");
});

Deno.test("cloudflareRearm() asks each object, and reports those that did not answer after it has asked all", async () => {
  const asked: string[] = [];
  const rearm = cloudflareRearm<{ readonly status: number }, string>(({ status }) => ({
    idFromName: (name) => `id of ${name}`,
    get: (id) => ({
      fetch: (url) => {
        asked.push(`${id} ${url}`);
        if (id.endsWith("b")) return Promise.reject(new Error("overloaded"));
        return Promise.resolve({ ok: status === 200, status });
      },
    }),
  }), ["a", "b", "c"]);
  const error = await assertRejects(() => rearm({}, { status: 503 }), AggregateError, "3 of 3 objects");
  assertEquals(error.errors.map(({ message }) => message), [
    'Cannot set the alarm of object "a": it answered with status 503',
    "overloaded",
    'Cannot set the alarm of object "c": it answered with status 503',
  ]);
  assertEquals(asked, ["a", "b", "c"].map((name) => `id of ${name} https://consumer/rearm`));
  await assertRejects(() => rearm({}, { status: 200 }), AggregateError, "1 of 3 objects");
});

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fetchHandler, type SliceResult } from "../../../src/edge/mod.ts";
import { QUIET_SLICE, ScriptedSlices } from "../../support/scripted_slices.ts";

const secret = "correct horse battery";
const slice = { budgetMs: 50_000 };
const request = (authorization?: string, method = "POST") =>
  new Request("https://x.y/tick", { method, headers: authorization === undefined ? {} : { authorization } });
const right = () => request(`Bearer ${secret}`);

Deno.test("fetchHandler() refuses a request without the secret, and runs nothing", async () => {
  const worker = new ScriptedSlices();
  const handle = fetchHandler(worker, { secret, slice });
  const guesses = [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    secret,
    `Bearer ${secret}x`,
    `Bearer ${secret.slice(1)}`,
  ];
  guesses.push(`bearer ${secret}`, `Basic ${secret}`, `Bearer ${secret.toUpperCase()}`, "Bearer undefined");
  for (const guess of guesses) {
    const answer = await handle(request(guess));
    assertEquals([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"], guess);
  }
  assertEquals(worker.given, []);
});

Deno.test("fetchHandler() wants a secret that cannot be guessed, and does not repeat it", () => {
  for (const secret of ["", "short secret", undefined as unknown as string]) {
    const error = assertThrows(() => fetchHandler(new ScriptedSlices(), { secret, slice }), TypeError);
    assertEquals(error.message, "Cannot make handler: expected a secret of at least 16 characters");
  }
});

Deno.test("fetchHandler() takes GET, as Vercel's cron sends it, and POST, and no other method", async () => {
  const worker = new ScriptedSlices();
  const handle = fetchHandler(worker, { secret, slice });
  const status = async (method: string) => (await handle(request(`Bearer ${secret}`, method))).status;
  assertEquals([await status("GET"), await status("POST"), await status("DELETE")], [200, 200, 405]);
  assertEquals(worker.given, [slice, slice]);
});

Deno.test("fetchHandler() answers with the slice's summary, with 202 when another slice is at work", async () => {
  const busy: SliceResult = { ...QUIET_SLICE, outcome: "busy", requests: 1 };
  const error = new Error("with a secret");
  const failing = { ...QUIET_SLICE, failures: [{ step: "fetch", text: "Kinesis is away", error }] };
  const handle = fetchHandler(new ScriptedSlices(QUIET_SLICE, busy, failing), { secret, slice });
  const answers = [await handle(right()), await handle(right()), await handle(right())];
  assertEquals(answers.map(({ status }) => status), [200, 202, 200]);
  assertEquals(await Promise.all(answers.map((answer) => answer.json())), [
    QUIET_SLICE,
    busy,
    { ...QUIET_SLICE, failures: [{ step: "fetch", text: "Kinesis is away" }] },
  ]);
});

Deno.test("fetchHandler() answers 202 at once where the platform waits for what goes on", async () => {
  const { promise, resolve } = Promise.withResolvers<SliceResult>();
  const waiting: Promise<unknown>[] = [];
  const handle = fetchHandler(new ScriptedSlices(promise), { secret, slice });
  const answer = await handle(right(), { waitUntil: (work) => void waiting.push(work) });
  assertEquals([answer.status, await answer.json()], [202, { outcome: "started" }]);
  resolve(QUIET_SLICE);
  assertEquals(await Promise.all(waiting), [QUIET_SLICE]);
});

Deno.test("fetchHandler() can be handed to a server that gives its own second argument", async () => {
  const info = { remoteAddr: {} } as unknown as { waitUntil(work: Promise<unknown>): void };
  const handle = fetchHandler(new ScriptedSlices(), { secret, slice });
  assertEquals((await handle(right(), info)).status, 200);
});

Deno.test("fetchHandler() lets the platform see what only wrong options throw", async () => {
  const handle = fetchHandler(new ScriptedSlices(new RangeError("wrong")), { secret, slice });
  await assertRejects(() => handle(right()), RangeError, "wrong");
});

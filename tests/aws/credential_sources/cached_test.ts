import { assert, assertEquals } from "@std/assert";
import { cachedCredentials } from "../../../src/aws/credential_sources/cached.ts";
import { type Credentials, guardedCredentials } from "../../../src/aws/credentials.ts";
import type { RefreshRule } from "../../../src/aws/credential_sources/refresh_times.ts";
import type { WorkerEvent } from "../../../src/events.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const MINUTE = 60_000;

/** A provider over a source whose answers the test gives by hand. */
function sourced(rule: RefreshRule, lifetimeMs: number | null = 60 * MINUTE) {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const asked: { give(): Credentials; fail(error?: Error): void; readonly signal: AbortSignal }[] = [];
  const provider = cachedCredentials({
    name: "test",
    rule,
    load: (signal) =>
      new Promise((resolve, reject) => {
        const id = asked.length;
        signal.addEventListener("abort", () => reject(signal.reason));
        asked.push({
          signal,
          give() {
            const credentials = guardedCredentials({
              accessKeyId: `id-${id}`,
              secretAccessKey: "s",
              expiresEpochMs: lifetimeMs === null ? undefined : clock.epochMs() + lifetimeMs,
            }, "a test");
            resolve(credentials);
            return credentials;
          },
          fail: (error = new Error("source is down")) => reject(error),
        });
      }),
  }, {
    system: { clock, random: () => 0, fetch: () => Promise.reject(new Error("not used")) },
    onEvent: (event) => events.push(event),
  });
  /** Asks the provider once; the source's nth question is answered by the step. */
  const ask = async (step?: (question: (typeof asked)[number]) => void): Promise<string> => {
    const result = provider();
    const answered = result.then((credentials) => credentials.accessKeyId, (error: Error) => error.message);
    await clock.advance(0);
    const question = asked.at(-1);
    if (step !== undefined && question !== undefined) step(question);
    return await answered;
  };
  return { clock, events, asked, provider, ask };
}

const give = (question: { give(): Credentials }) => void question.give();
const fail = (question: { fail(): void }) => question.fail();

Deno.test("cachedCredentials() ask the source once for all who wait, and keep the answer", async () => {
  const { provider, asked, clock, events } = sourced("role");
  const all = Promise.all([provider(), provider(), provider()]);
  await clock.advance(0);
  assertEquals(asked.length, 1);
  const given = asked[0]?.give();
  assertEquals(await all, [given, given, given] as Credentials[]);
  assert(await provider() === given);
  assertEquals(asked.length, 1);
  assertEquals(events, [{
    type: "credentialsRefreshed",
    source: "test",
    expiresEpochMs: given?.expiresEpochMs,
  }]);
});

Deno.test("cachedCredentials() ask nothing before a request does", async () => {
  const { asked, clock } = sourced("role");
  await clock.advance(MINUTE);
  assertEquals(asked.length, 0);
});

Deno.test("cachedCredentials() pass a first failure to all who wait, tell of none, and ask again next time", async () => {
  const { provider, asked, clock, events, ask } = sourced("role");
  const both = Promise.allSettled([provider(), provider()]);
  await clock.advance(0);
  asked[0]?.fail();
  assertEquals((await both).map((end) => end.status), ["rejected", "rejected"]);
  // Nothing was refreshed: in a chain the next source has its turn, and who asks hears the rest.
  assertEquals(events, []);
  assertEquals(await ask(give), "id-1");
});

Deno.test("cachedCredentials() refresh ahead of the end: one caller waits, the others go on", async () => {
  const { provider, asked, clock, ask } = sourced("role");
  await ask(give);
  await clock.advance(55 * MINUTE - 1);
  assertEquals(await ask(), "id-0");
  assertEquals(asked.length, 1);
  await clock.advance(1);
  const first = provider();
  await clock.advance(0);
  assertEquals(asked.length, 2);
  assertEquals((await provider()).accessKeyId, "id-0");
  asked[1]?.give();
  assertEquals((await first).accessKeyId, "id-1");
  assertEquals((await provider()).accessKeyId, "id-1");
  assertEquals(clock.pendingMs, []);
});

Deno.test("cachedCredentials() keep the old ones when an early refresh fails, and pause longer each time", async () => {
  const { asked, clock, events, ask } = sourced("role");
  await ask(give);
  await clock.advance(55 * MINUTE);
  assertEquals(await ask(fail), "id-0");
  assertEquals(events.at(-1)?.type, "credentialsRefreshFailed");
  await clock.advance(99);
  assertEquals(await ask(), "id-0");
  assertEquals(asked.length, 2);
  await clock.advance(1);
  assertEquals(await ask(fail), "id-0");
  assertEquals(asked.length, 3);
  await clock.advance(199);
  await ask();
  assertEquals(asked.length, 3);
  await clock.advance(1);
  assertEquals(await ask(give), "id-3");
  // The next trouble starts with a short pause again.
  await clock.advance(55 * MINUTE);
  assertEquals(await ask(fail), "id-3");
  await clock.advance(100);
  assertEquals(await ask(give), "id-5");
});

Deno.test("cachedCredentials() do not hold up a request for more than a second while the old ones are good", async () => {
  const { provider, asked, clock, events, ask } = sourced("role");
  await ask(give);
  await clock.advance(55 * MINUTE);
  const slow = provider();
  await clock.advance(999);
  let ended = false;
  slow.then(() => ended = true);
  await clock.advance(0);
  assert(!ended);
  await clock.advance(1);
  assertEquals((await slow).accessKeyId, "id-0");
  assert(asked[1]?.signal.aborted);
  assertEquals(events.at(-1)?.type, "credentialsRefreshFailed");
  assertEquals(clock.pendingMs, []);
});

Deno.test("cachedCredentials() of a role insist near the end: all wait, and a failure is theirs", async () => {
  const { provider, asked, clock, ask } = sourced("role");
  await ask(give);
  await clock.advance(59 * MINUTE);
  const both = Promise.all([provider(), provider()]);
  await clock.advance(5000);
  assertEquals(asked.length, 2);
  asked[1]?.give();
  assertEquals((await both).map((credentials) => credentials.accessKeyId), ["id-1", "id-1"]);
  await clock.advance(60 * MINUTE);
  assertEquals(await ask(fail), "source is down");
  assertEquals(await ask(give), "id-3");
});

for (const rule of ["container", "instance"] as const) {
  Deno.test(`cachedCredentials() of ${rule} are used past their end while the source fails`, async () => {
    const { asked, clock, ask } = sourced(rule);
    await ask(give);
    await clock.advance(90 * MINUTE);
    assertEquals(await ask(fail), "id-0");
    assertEquals(await ask(), "id-0"); // within the pause, without a question
    assertEquals(asked.length, 2);
    await clock.advance(100);
    assertEquals(await ask(give), "id-2");
  });
}

Deno.test("cachedCredentials() of a user's function are not used past their end", async () => {
  const { clock, ask } = sourced("given");
  await ask(give);
  await clock.advance(90 * MINUTE);
  assertEquals(await ask(fail), "source is down");
  assertEquals(await ask(give), "id-2");
});

Deno.test("cachedCredentials() that are past their end when given are used for a minute", async () => {
  const { asked, clock, ask } = sourced("instance", -MINUTE);
  assertEquals(await ask(give), "id-0");
  await clock.advance(MINUTE - 1);
  assertEquals(await ask(), "id-0");
  assertEquals(asked.length, 1);
  await clock.advance(1);
  assertEquals(await ask(give), "id-1");
});

Deno.test("cachedCredentials() without an end are asked for once", async () => {
  const { asked, clock, ask } = sourced("role", null);
  await ask(give);
  await clock.advance(1e10);
  assertEquals(await ask(), "id-0");
  assertEquals(asked.length, 1);
});

Deno.test("invalidate() has the source asked anew, but only for the ones that were refused", async () => {
  const { provider, asked, clock, ask } = sourced("role");
  await ask(give);
  const old = await provider();
  await clock.advance(10_000);
  provider.invalidate?.(guardedCredentials({ accessKeyId: "other", secretAccessKey: "s" }, "a test"));
  assertEquals(await ask(), "id-0");
  provider.invalidate?.(old);
  assertEquals(await ask(give), "id-1");
  provider.invalidate?.(old); // a slow call tells late
  assertEquals(await ask(), "id-1");
  assertEquals(asked.length, 2);
});

Deno.test("invalidate() of credentials that were just given waits ten seconds", async () => {
  const { provider, asked, clock, ask } = sourced("role");
  await ask(give);
  const refused = await provider();
  await clock.advance(9_999);
  provider.invalidate?.(refused);
  await ask();
  assertEquals(asked.length, 1);
  await clock.advance(1);
  provider.invalidate?.(refused);
  assertEquals(await ask(give), "id-1");
});

Deno.test("an abort leaves the question to the others who wait for it", async () => {
  const { provider, asked, clock } = sourced("role");
  const stop = new AbortController();
  const reason = new Error("stop");
  const leaving = provider(stop.signal).catch((error) => error);
  const staying = provider();
  await clock.advance(0);
  stop.abort(reason);
  assertEquals(await leaving, reason);
  assert(!asked[0]?.signal.aborted);
  asked[0]?.give();
  assertEquals((await staying).accessKeyId, "id-0");
});

Deno.test("an abort during an early refresh passes its reason through", async () => {
  const { provider, asked, clock, events, ask } = sourced("role");
  await ask(give);
  await clock.advance(55 * MINUTE);
  const stop = new AbortController();
  const reason = new Error("stop");
  const leaving = provider(stop.signal).catch((error) => error);
  await clock.advance(0);
  stop.abort(reason);
  assertEquals(await leaving, reason);
  assert(asked[1]?.signal.aborted);
  assertEquals(events.map((event) => event.type), ["credentialsRefreshed"]);
});

Deno.test("the last one to leave ends the question, without a failure, and the next one asks anew", async () => {
  const { provider, asked, clock, events, ask } = sourced("role");
  const stop = new AbortController();
  const reason = new Error("stop");
  const leaving = [provider(stop.signal), provider(stop.signal)].map((result) =>
    result.catch((error) => error)
  );
  await clock.advance(0);
  stop.abort(reason);
  assertEquals(await Promise.all(leaving), [reason, reason]);
  assert(asked[0]?.signal.aborted);
  assertEquals(events, []);
  assertEquals(await ask(give), "id-1");
});

Deno.test("a late answer to a question that was abandoned does not replace newer credentials", async () => {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const answers: ((id: string) => void)[] = [];
  const provider = cachedCredentials({
    name: "test",
    rule: "role",
    // A source that does not look at the signal.
    load: () =>
      new Promise((resolve) =>
        answers.push((accessKeyId) => {
          const expiresEpochMs = clock.epochMs() + 60 * MINUTE;
          resolve(guardedCredentials({ accessKeyId, secretAccessKey: "s", expiresEpochMs }, "a test"));
        })
      ),
  }, {
    system: { clock, random: () => 0, fetch: () => Promise.reject(new Error("not used")) },
    onEvent: (event) => events.push(event),
  });
  const stop = new AbortController();
  const leaving = provider(stop.signal).catch(() => "left");
  await clock.advance(0);
  stop.abort();
  assertEquals(await leaving, "left");
  const staying = provider();
  await clock.advance(0);
  answers[1]?.("newer");
  assertEquals((await staying).accessKeyId, "newer");
  answers[0]?.("older");
  await clock.advance(0);
  assertEquals((await provider()).accessKeyId, "newer");
  assertEquals(events.map((event) => event.type), ["credentialsRefreshed"]);
});

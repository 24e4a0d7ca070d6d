import { assertEquals, assertRejects } from "@std/assert";
import { realSystem } from "../../src/system.ts";
import { aroundCalls, Requests, type RequestsOptions } from "../../src/edge/requests.ts";

/** Requests that are answered when the test says so. */
class Bed {
  limits = 0;
  readonly requests: Requests;
  readonly #answers: (() => void)[] = [];

  constructor(options: Partial<RequestsOptions> = {}) {
    const onLimit = () => void this.limits++;
    this.requests = new Requests({ max: 10, concurrent: 2, kept: () => 4, last: 2, onLimit, ...options });
  }

  get underWay(): number {
    return this.#answers.length;
  }

  send(signal?: AbortSignal): Promise<void> {
    return this.requests.run(() => new Promise<void>((resolve) => this.#answers.push(resolve)), signal);
  }

  /** Answers all that are under way, and those that are sent then. */
  async answerAll(): Promise<void> {
    while (this.#answers.length > 0) {
      this.#answers.splice(0).forEach((answer) => answer());
      await settled();
    }
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Requests sends no more at the same time than allowed, and the rest in order", async () => {
  const bed = new Bed();
  const all = Promise.all([bed.send(), bed.send(), bed.send()]);
  await settled();
  assertEquals([bed.underWay, bed.requests.count], [2, 2]);
  await bed.answerAll();
  await all;
  assertEquals(bed.requests.count, 3);
});

Deno.test("Requests keeps some for stopping, and fewer for the very last", async () => {
  const bed = new Bed({ concurrent: 100 });
  const sent = Array.from({ length: 12 }, () => bed.send().then(() => "sent", (error) => error.message));
  await settled();
  assertEquals([bed.requests.count, bed.limits > 0], [6, true]);
  bed.requests.stop();
  await settled();
  assertEquals(bed.requests.count, 8);
  bed.requests.finish();
  const last = [bed.send(), bed.send()];
  await settled();
  assertEquals(bed.requests.count, 10);
  await bed.answerAll();
  await Promise.all(last);
  const refused = (await Promise.all(sent)).filter((text) => text !== "sent");
  assertEquals(refused.length, 4);
  assertEquals(refused[0], "Cannot send request: maxSubrequests is 10, and they are used up: set it higher");
});

Deno.test("Requests sends nothing once it is over, not even what waited", async () => {
  const bed = new Bed({ concurrent: 1 });
  const first = bed.send(), second = bed.send();
  await settled();
  bed.requests.end();
  await assertRejects(() => second, Error, "the slice is over");
  await assertRejects(() => bed.send(), Error, "the slice is over");
  await bed.answerAll();
  await first;
  assertEquals(bed.requests.count, 1);
});

Deno.test("Requests lets go of what waits when its signal aborts", async () => {
  const bed = new Bed({ concurrent: 1 });
  const stop = new AbortController();
  const first = bed.send(), second = bed.send(stop.signal);
  stop.abort(new Error("called off"));
  await assertRejects(() => second, Error, "called off");
  await bed.answerAll();
  await first;
});

Deno.test("Requests.counting() ends a fetch by the platform's own error, and not by the reason of its caller", async () => {
  const bed = new Bed();
  const reasons: unknown[] = [];
  const sending = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_, reject) => {
      const end = () => {
        reasons.push(init?.signal?.reason.name);
        reject(init?.signal?.reason);
      };
      if (init?.signal?.aborted) end();
      init?.signal?.addEventListener("abort", end);
    });
  const { fetch } = bed.requests.counting({ ...realSystem, fetch: sending });
  const stop = new AbortController();
  const calls = [
    fetch("https://a.test", { signal: stop.signal, method: "POST", body: "b" }),
    fetch(new Request("https://a.test", { signal: stop.signal })),
  ];
  const refusals = calls.map((call) => assertRejects(() => call));
  await settled();
  stop.abort(new Error("the slice is over"));
  await Promise.all(refusals);
  await assertRejects(() => fetch("https://a.test", { signal: stop.signal }));
  assertEquals(reasons, ["AbortError", "AbortError", "AbortError"]);
});

Deno.test("aroundCalls() leaves what is no method alone, also in a frozen object with private fields", async () => {
  class Part {
    readonly #secret = 7;
    readonly name = "part";
    read(): Promise<number> {
      return Promise.resolve(this.#secret);
    }
  }
  const calls: string[] = [];
  const part = aroundCalls(Object.freeze(new Part()), (method, call) => {
    calls.push(method);
    return call();
  });
  assertEquals([part.name, await part.read(), calls], ["part", 7, ["read"]]);
});

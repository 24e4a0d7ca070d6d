import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { FunctionError, type Invocation } from "../../src/lambda/invocation.ts";
import { ANSWER_BYTES, RuntimeApi } from "../../src/lambda/runtime_api.ts";
import { FakeClock } from "../support/fake_clock.ts";

const BASE = "http://127.0.0.1:9001/2018-06-01/runtime";

function invocation(): Invocation {
  return {
    requestId: crypto.randomUUID(),
    event: { Records: [] },
    invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:orders",
    timeoutMs: 3000,
  };
}

/** A program's requests to the API. */
class Program {
  readonly clock = new FakeClock();
  readonly api = new RuntimeApi(this.clock);

  get(path: string): Promise<Response> {
    return this.api.respond(new Request(`${BASE}${path}`));
  }
  post(path: string, body: BodyInit = "", headers: Record<string, string> = {}): Promise<Response> {
    return this.api.respond(new Request(`${BASE}${path}`, { method: "POST", body, headers }));
  }
  /** Status and error type. */
  async refused(response: Promise<Response>): Promise<[number, string]> {
    const { status, ...rest } = await response.then(async (it) => ({
      status: it.status,
      body: await it.json(),
    }));
    return [status, rest.body.errorType];
  }
  /** Gets an invocation, of which the program knows the id. */
  async taken() {
    const given = invocation();
    const answer = this.api.invoke(given, () => {});
    answer.catch(() => {});
    const next = await this.get("/invocation/next");
    assertEquals(next.headers.get("lambda-runtime-aws-request-id"), given.requestId);
    return { given, answer, path: `/invocation/${given.requestId}` };
  }
}

Deno.test("RuntimeApi gives an invocation with Lambda's headers, and takes its answer", async () => {
  const program = new Program();
  const given = invocation();
  const times: number[] = [];
  const next = program.get("/invocation/next"); // a long poll
  await program.api.ready;
  await program.clock.advance(1000);
  const answer = program.api.invoke(given, () => times.push(program.clock.monotonicMs()));
  const response = await next;
  assertEquals(times, [1000]);
  assertEquals(await response.json(), { Records: [] });
  const { "lambda-runtime-trace-id": trace = "", ...headers } = Object.fromEntries(response.headers);
  assertEquals(headers, {
    "content-type": "application/json",
    "lambda-runtime-aws-request-id": given.requestId,
    "lambda-runtime-deadline-ms": `${Date.UTC(2026, 0, 30, 12) + 1000 + 3000}`,
    "lambda-runtime-invoked-function-arn": given.invokedFunctionArn,
  });
  assertMatch(trace, /^Root=1-[\da-f]{8}-[\da-f]{24};Parent=[\da-f]{16};Sampled=0$/);
  const posted = await program.post(`/invocation/${given.requestId}/response`, `{"batchItemFailures":[]}`);
  assertEquals([posted.status, await posted.json()], [202, { status: "OK" }]);
  assertEquals(await answer, { batchItemFailures: [] });
});

Deno.test("RuntimeApi takes the text of a shell script for an answer too", async () => {
  for (const [text, value] of [["SUCCESS", "SUCCESS"], ["", ""], ["null", null], ["3", 3]] as const) {
    const program = new Program();
    const { answer, path } = await program.taken();
    await program.post(`${path}/response`, text);
    assertEquals(await answer, value);
  }
});

Deno.test("RuntimeApi fails a call whose answer begins like an object and is no JSON", async () => {
  const program = new Program();
  const { answer, path } = await program.taken();
  const cutOff = ' {"batchItemFailures":[{"itemIdentifier":"49';
  assertEquals((await program.post(`${path}/response`, cutOff)).status, 202);
  const error = await assertRejects(() => answer, FunctionError, "begins with { and is no JSON");
  assertEquals(error.name, "Runtime.UnreadableAnswer");
});

Deno.test("RuntimeApi passes on an error as the program names it, whatever the body holds", async () => {
  const header = { "lambda-runtime-function-error-type": "Runtime.Header" };
  const cases: readonly [string, Record<string, string>, string][] = [
    [`{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}`, header, "ValueError: no"],
    [`{"errorMessage":"no"}`, header, "Runtime.Header: no"],
    ["broken {", header, "Runtime.Header: broken {"],
    [`{"errorMessage":3,"errorType":null}`, {}, "Runtime.Unknown: no message"],
    ["null", {}, "Runtime.Unknown: no message"],
    ["", {}, "Runtime.Unknown: no message"],
    ["x".repeat(300_000), {}, "Runtime.Unknown: no message"],
  ];
  for (const [body, headers, text] of cases) {
    const program = new Program();
    const { answer, path } = await program.taken();
    assertEquals((await program.post(`${path}/error`, body, headers)).status, 202);
    const error = await assertRejects(() => answer, FunctionError);
    assertEquals(`${error}`, text);
  }
});

Deno.test("RuntimeApi refuses a second answer, and answers for another id", async () => {
  const program = new Program();
  assertEquals(await program.refused(program.post("/invocation/none/response", "{}")), [
    400,
    "InvalidRequestID",
  ]);
  const { answer, path } = await program.taken();
  const other = `/invocation/${crypto.randomUUID()}`;
  assertEquals(await program.refused(program.post(`${other}/response`, "{}")), [400, "InvalidRequestID"]);
  assertEquals(await program.refused(program.post(`${other}/error`, "{}")), [400, "InvalidRequestID"]);
  // Two answers at the same time: the first counts.
  const [first, second] = [program.post(`${path}/response`, "1"), program.post(`${path}/response`, "2")];
  assertEquals((await first).status, 202);
  assertEquals(await program.refused(second), [403, "InvalidStateTransition"]);
  assertEquals(await answer, 1);
  assertEquals(await program.refused(program.post(`${path}/error`, "{}")), [400, "InvalidRequestID"]);
  const again = await program.taken();
  assertNotEquals(again.path, path);
  await program.post(`${again.path}/response`, "3");
  assertEquals(await again.answer, 3, "what was refused has harmed nothing");
});

Deno.test("RuntimeApi refuses an answer for an invocation that the program has not got yet", async () => {
  const program = new Program();
  const given = invocation();
  const answer = program.api.invoke(given, () => {});
  const early = program.post(`/invocation/${given.requestId}/response`, "{}");
  assertEquals(await program.refused(early), [400, "InvalidRequestID"]);
  await program.get("/invocation/next");
  await program.post(`/invocation/${given.requestId}/response`, "7");
  assertEquals(await answer, 7);
});

Deno.test("RuntimeApi gives one invocation at a time, to the request for work that came last", async () => {
  const program = new Program();
  const first = program.get("/invocation/next");
  await program.api.ready;
  // As a program does whose connection was cut.
  const second = program.get("/invocation/next");
  assertEquals(await program.refused(first), [403, "InvalidStateTransition"]);
  const given = invocation();
  const answer = program.api.invoke(given, () => {});
  assertEquals((await second).headers.get("lambda-runtime-aws-request-id"), given.requestId);
  assertEquals(await program.refused(program.get("/invocation/next")), [403, "InvalidStateTransition"]);
  await assertRejects(
    () => program.api.invoke(invocation(), () => {}),
    Error,
    "one invocation is out already",
  );
  await program.post(`/invocation/${given.requestId}/response`, "1");
  await answer;
});

Deno.test("RuntimeApi answers 413 for an answer above the limit, reads no more of it, and fails the call", async () => {
  const just = new Program();
  const fits = await just.taken();
  const text = `"${"x".repeat(ANSWER_BYTES - 2)}"`;
  assertEquals((await just.post(`${fits.path}/response`, text)).status, 202);
  assertEquals(`${await fits.answer}`.length, ANSWER_BYTES - 2);

  const program = new Program();
  const { answer, path } = await program.taken();
  let given = 0, isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(given++ > 1000 ? 0 : 65_536)),
    cancel: () => void (isCancelled = true),
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body: endless, duplex: "half" };
  const posted = program.api.respond(new Request(`${BASE}${path}/response`, init));
  assertEquals(await program.refused(posted), [413, "RequestEntityTooLarge"]);
  const error = await assertRejects(() => answer, FunctionError);
  assertEquals(error.name, "Function.ResponseSizeTooLarge");
  assert(isCancelled && given < 110, `${given} pieces were read`);
});

Deno.test("RuntimeApi hears of an initialization that failed, and of none once the program has asked for work", async () => {
  const failing = new Program();
  const body = `{"errorMessage":"no module","errorType":"Runtime.ImportModuleError"}`;
  assertEquals((await failing.post("/init/error", body)).status, 202);
  const error = await assertRejects(() => failing.api.ready, FunctionError);
  assertEquals(`${error}`, "Runtime.ImportModuleError: no module");
  assertEquals(await failing.refused(failing.get("/invocation/next")), [403, "InvalidStateTransition"]);
  await assertRejects(() => failing.api.invoke(invocation(), () => {}), FunctionError, "no module");

  const working = new Program();
  void working.get("/invocation/next");
  await working.api.ready;
  assertEquals(await working.refused(working.post("/init/error", body)), [403, "InvalidStateTransition"]);
  working.api.end(new FunctionError("End", "of the test"));
});

Deno.test("RuntimeApi lets nobody wait for a program that has ended", async () => {
  const program = new Program();
  const waiting = program.get("/invocation/next");
  await program.api.ready;
  program.api.end(new FunctionError("Runtime.ExitError", "gone"));
  assertEquals((await waiting).status, 403);
  await assertRejects(() => program.api.invoke(invocation(), () => {}), FunctionError, "gone");

  const calling = new Program();
  const { answer } = await calling.taken();
  calling.api.end(new FunctionError("Runtime.ExitError", "gone"));
  await assertRejects(() => answer, FunctionError, "gone");
});

Deno.test("RuntimeApi knows no other paths and methods", async () => {
  const program = new Program();
  const status = async (method: string, url: string) =>
    (await program.api.respond(new Request(url, { method }))).status;
  assertEquals(await status("GET", "http://127.0.0.1:9001/"), 404);
  assertEquals(await status("POST", "http://127.0.0.1:9001/2020-01-01/extension/register"), 404);
  for (
    const path of [
      "/invocation",
      "/invocation/next/x",
      "/invocation/1/response/2",
      "/invocation/1",
      "/init",
      "/restore/next",
    ]
  ) {
    assertEquals([path, await status("GET", `${BASE}${path}`)], [path, 404]);
  }
  assertEquals(await status("POST", `${BASE}/invocation/next`), 405);
  assertEquals(await status("GET", `${BASE}/invocation/1/response`), 405);
  assertEquals(await status("GET", `${BASE}/init/error`), 405);
});

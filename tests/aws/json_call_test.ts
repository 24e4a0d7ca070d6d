import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { crc32 } from "../../src/aws/crc32.ts";
import type { Credentials, CredentialsProvider } from "../../src/aws/credentials.ts";
import { type JsonCall, jsonCaller } from "../../src/aws/json_call.ts";
import { DEFAULT_RETRY_POLICY } from "../../src/aws/retry.ts";
import { AwsServiceError, CredentialsError } from "../../src/errors.ts";
import { type ScriptedSystem, scriptedSystem, type Step } from "./scripted_system.ts";

const KEYS: Credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN==",
  expiresEpochMs: undefined,
};

interface Attempt {
  readonly steps: readonly Step[];
  readonly credentials?: Credentials | CredentialsProvider;
  readonly call?: Partial<JsonCall<unknown>>;
  readonly signal?: AbortSignal;
}

/** Makes one call against the script. */
function callWith({ steps, credentials = KEYS, call = {}, signal }: Attempt): ScriptedSystem & {
  readonly result: Promise<unknown>;
} {
  const scripted = scriptedSystem(steps);
  const caller = jsonCaller({
    service: "kinesis",
    targetPrefix: "Kinesis_20131202",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 7000,
  }, { region: "eu-central-1", credentials, system: scripted.system, onEvent: scripted.onEvent });
  const result = caller<unknown>({
    operation: "ListShards",
    input: { StreamName: "orders" },
    decode: (body) => body,
    signal,
    ...call,
  });
  result.catch(() => {}); // a test awaits it later
  return { ...scripted, result };
}

const refusal = (code: string, more: { status?: number; message?: string; date?: string } = {}): Step => ({
  status: more.status ?? 400,
  headers: { "x-amzn-requestid": "r-1", ...(more.date === undefined ? {} : { date: more.date }) },
  body: { __type: code, message: more.message ?? "no" },
});
const THROTTLED = refusal("com.amazonaws.kinesis#ProvisionedThroughputExceededException");
const OK: Step = { body: { fine: true } };

async function failureOf(result: Promise<unknown>): Promise<AwsServiceError> {
  return await assertRejects(() => result, AwsServiceError);
}

Deno.test("a call is one signed POST that names its operation and follows no redirect", async () => {
  const { result, requests, events } = callWith({ steps: [OK] });
  assertEquals(await result, { fine: true });
  const [request] = requests;
  assert(request !== undefined);
  assertEquals([request.method, request.url], ["POST", "https://kinesis.eu-central-1.amazonaws.com/"]);
  assertEquals([request.body, request.redirect], ['{"StreamName":"orders"}', "manual"]);
  assertEquals(request.headers.get("x-amz-target"), "Kinesis_20131202.ListShards");
  assertEquals(request.headers.get("content-type"), "application/x-amz-json-1.1");
  assertEquals(request.headers.get("x-amz-date"), "20260130T120000Z");
  assertEquals(request.headers.get("x-amz-security-token"), KEYS.sessionToken ?? "");
  assertStringIncludes(
    request.headers.get("authorization") ?? "",
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260130/eu-central-1/kinesis/aws4_request, " +
      "SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Signature=",
  );
  assertEquals(events, [{
    type: "requestSent",
    service: "kinesis",
    operation: "ListShards",
    status: 200,
    code: undefined,
    attempt: 1,
    ms: 0,
  }]);
});

Deno.test("a refusal ends in an AwsServiceError that tells operation, code, status, request id and words", async () => {
  const message =
    "User: arn:aws:iam::123456789012:user/me is not authorized to perform: kinesis:ListShards on resource: " +
    "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
  const { result, requests } = callWith({
    steps: [refusal("AccessDeniedException", { message })],
  });
  const error = await failureOf(result);
  assertEquals([error.service, error.operation, error.code], [
    "kinesis",
    "ListShards",
    "AccessDeniedException",
  ]);
  assertEquals([error.status, error.requestId, error.retryable], [400, "r-1", false]);
  assertEquals(error.body, { __type: "AccessDeniedException", message });
  assertEquals(
    error.message,
    `kinesis ListShards failed: AccessDeniedException (HTTP 400): ${message} [request r-1]`,
  );
  assertEquals(requests.length, 1);
});

const NAMINGS: readonly { readonly comment: string; readonly step: Step; readonly code: string }[] = [
  { comment: "a bare __type", step: refusal("ResourceNotFoundException"), code: "ResourceNotFoundException" },
  {
    comment: "a namespace",
    step: refusal("com.amazon.coral.validate#ValidationException"),
    code: "ValidationException",
  },
  {
    comment: "x-amzn-errortype with an address behind",
    step: {
      status: 400,
      headers: { "x-amzn-errortype": "ValidationException:http://internal.amazon.com/x/" },
    },
    code: "ValidationException",
  },
  { comment: "code in place of __type", step: { status: 400, body: { code: "Odd" } }, code: "Odd" },
  { comment: "a body without a name", step: { status: 404, body: {} }, code: "Http404" },
  { comment: "a __type that is no text", step: { status: 400, body: { __type: 7 } }, code: "Http400" },
  { comment: "a JSON array", step: { status: 400, body: "[1]" }, code: "Http400" },
  { comment: "a redirect", step: { status: 302, headers: { location: "http://evil" } }, code: "Http302" },
];
for (const { comment, step, code } of NAMINGS) {
  Deno.test(`an error's code is read from ${comment}`, async () => {
    assertEquals((await failureOf(callWith({ steps: [step] }).result)).code, code);
  });
}

Deno.test("an error tells what a proxy's page said, shortened and on one line", async () => {
  const page = `<html>\n<h1>404 Not Found</h1>\n${"x".repeat(1000)}</html>`;
  const error = await failureOf(callWith({ steps: [{ status: 404, body: page }] }).result);
  assertStringIncludes(error.detail, "<html> <h1>404 Not Found</h1> xxx");
  assert(error.detail.length < 250);
  assertEquals(error.body, undefined);
});

Deno.test("an error without a word says so", async () => {
  const { result } = callWith({ steps: [{ status: 400 }] });
  assertEquals((await failureOf(result)).detail, "no explanation was given");
});

Deno.test("a throttled call is repeated after a pause that doubles", async () => {
  const { result, requests, pauses, events } = callWith({ steps: [THROTTLED, THROTTLED, OK] });
  assertEquals(await result, { fine: true });
  assertEquals(pauses, [250, 500]); // half of the base of 500 ms, since chance is 0.5
  assertEquals(requests.map((request) => request.atEpochMs - (requests[0]?.atEpochMs ?? 0)), [0, 250, 750]);
  const retried = events.filter((event) => event.type === "requestRetried");
  assertEquals(retried[1], {
    type: "requestRetried",
    service: "kinesis",
    operation: "ListShards",
    code: "ProvisionedThroughputExceededException",
    attempt: 2,
    delayMs: 500,
  });
});

const TRANSIENT: readonly { readonly comment: string; readonly step: Step; readonly code: string }[] = [
  { comment: "a network failure", step: new TypeError("connection reset"), code: "NetworkError" },
  { comment: "no answer in time", step: "hang", code: "TimeoutError" },
  { comment: "no answer in time from a fetch that ignores its signal", step: "deaf", code: "TimeoutError" },
  { comment: "a 500 with an empty body", step: { status: 500 }, code: "Http500" },
  { comment: "a 502 with a page", step: { status: 502, body: "<html>Bad Gateway</html>" }, code: "Http502" },
  { comment: "InternalFailure", step: refusal("InternalFailure", { status: 500 }), code: "InternalFailure" },
  { comment: "a success cut short", step: { body: '{"fine":tr' }, code: "MalformedResponse" },
  { comment: "a success that is no object", step: { body: "[]" }, code: "MalformedResponse" },
  {
    comment: "a checksum that does not match",
    step: { headers: { "x-amz-crc32": "1" }, body: { fine: true } },
    code: "ChecksumMismatch",
  },
];
for (const { comment, step, code } of TRANSIENT) {
  Deno.test(`a call is repeated after ${comment}`, async () => {
    const { result, requests, pauses } = callWith({ steps: [step, OK] });
    assertEquals(await result, { fine: true });
    assertEquals(requests.length, 2);
    assertEquals(pauses, [25]);
  });

  Deno.test(`a call gives up after as many attempts as its policy allows: ${comment}`, async () => {
    const { result, requests, events } = callWith({
      steps: [step, step, step, OK],
      call: { retry: { ...DEFAULT_RETRY_POLICY, attempts: 3 } },
    });
    const error = await failureOf(result);
    assertEquals([error.code, error.retryable], [code, true]);
    assertEquals(requests.length, 3);
    assertEquals(events.filter((event) => event.type === "requestSent").length, 3);
  });
}

Deno.test("a call that the runtime does not permit is not repeated, and says what is missing", async () => {
  const denied = Object.assign(
    new Error(
      'Requires net access to "kinesis.eu-central-1.amazonaws.com:443", run again with the --allow-net flag',
    ),
    { name: "NotCapable" },
  );
  for (const step of [denied, new TypeError("fetch failed", { cause: denied })]) {
    const { result, requests } = callWith({ steps: [step, OK] });
    const error = await failureOf(result);
    assertEquals([error.code, error.retryable, requests.length], ["NotCapable", false, 1]);
    assertStringIncludes(error.message, "run again with the --allow-net flag");
  }
});

Deno.test("an answer that decode() refuses is malformed, with the reason as cause", async () => {
  const { result } = callWith({
    steps: [OK],
    call: {
      retry: { ...DEFAULT_RETRY_POLICY, attempts: 1 },
      decode: () => {
        throw new SyntaxError("expected shards");
      },
    },
  });
  const error = await failureOf(result);
  assertEquals(error.code, "MalformedResponse");
  assertStringIncludes(error.message, "expected shards");
  assert(error.cause instanceof SyntaxError);
});

Deno.test("an empty success is an empty object", async () => {
  assertEquals(await callWith({ steps: [{ body: "" }] }).result, {});
});

Deno.test("a matching checksum passes, and one of compressed bytes is not looked at", async () => {
  const body = '{"fine":true}';
  const good = `${crc32(new TextEncoder().encode(body))}`;
  assertEquals(good, "1809407316");
  assertEquals(await callWith({ steps: [{ headers: { "x-amz-crc32": good }, body }] }).result, {
    fine: true,
  });
  const headers = { "x-amz-crc32": "1", "content-encoding": "gzip" };
  const compressed = callWith({ steps: [{ headers, body }] });
  assertEquals(await compressed.result, { fine: true });
  assertEquals(compressed.requests[0]?.headers.get("accept-encoding"), "identity");
});

Deno.test("a network failure names the address, so that a misspelt region shows", async () => {
  const { result } = callWith({
    steps: [new TypeError("fetch failed", { cause: new Error("ENOTFOUND") })],
    call: { retry: { ...DEFAULT_RETRY_POLICY, attempts: 1 } },
  });
  const error = await failureOf(result);
  assertStringIncludes(error.message, "https://kinesis.eu-central-1.amazonaws.com/ cannot be reached");
  assertStringIncludes(error.message, "ENOTFOUND");
  assertEquals([error.status, error.requestId], [undefined, undefined]);
});

Deno.test("the time limit says how long was waited", async () => {
  const { result } = callWith({
    steps: ["hang"],
    call: { retry: { ...DEFAULT_RETRY_POLICY, attempts: 1 } },
  });
  assertStringIncludes((await failureOf(result)).message, "no answer within 7000 ms");
});

Deno.test("a throttled call may have fewer attempts than a failing one", async () => {
  const { result, requests } = callWith({
    steps: [THROTTLED, OK],
    call: { retry: { ...DEFAULT_RETRY_POLICY, throttledAttempts: 1 } },
  });
  const error = await failureOf(result);
  assertEquals([error.code, error.retryable], ["ProvisionedThroughputExceededException", true]);
  assertEquals(requests.length, 1);
});

Deno.test("an abort before the call sends nothing and passes its reason through", async () => {
  const reason = new Error("stop");
  const { result, requests } = callWith({ steps: [OK], signal: AbortSignal.abort(reason) });
  assertEquals(await result.catch((error) => error), reason);
  assertEquals(requests.length, 0);
});

Deno.test("an abort under way passes its reason through, and nothing is tried again", async () => {
  for (const kind of ["hang", "deaf"] as const) {
    const stop = new AbortController();
    const reason = new Error("stop");
    const { result, requests, clock, events } = callWith({
      steps: [() => {
        queueMicrotask(() => stop.abort(reason));
        return kind;
      }, OK],
      signal: stop.signal,
    });
    assertEquals(await result.catch((error) => error), reason);
    assertEquals(requests.length, 1);
    assertEquals(events, []);
    assertEquals(clock.pendingMs, []);
  }
});

Deno.test("an abort in a pause between attempts ends it at once", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const scripted = scriptedSystem([THROTTLED, OK]);
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "p",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 7000,
  }, {
    region: "eu-central-1",
    credentials: KEYS,
    system: scripted.system,
    onEvent: (event) => {
      if (event.type === "requestRetried") queueMicrotask(() => stop.abort(reason));
    },
  });
  const result = call({ operation: "X", input: {}, decode: () => {}, signal: stop.signal });
  assertEquals(await result.catch((error) => error), reason);
  assertEquals(scripted.requests.length, 1);
  assertEquals(scripted.clock.pendingMs, []);
});

Deno.test("no sleep and no listener is left behind by a call", async () => {
  const signal = new AbortController().signal;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const { result, clock } = callWith({ steps: [THROTTLED, { status: 500 }, OK], signal });
  await result;
  assertEquals(listeners, 0);
  assertEquals(clock.pendingMs, []);
});

Deno.test("a wrong clock is learnt from the Date header, and the request signed again at once", async () => {
  const skewed = refusal("InvalidSignatureException", {
    message: "Signature expired: 20260130T120000Z is now earlier than 20260130T121500Z",
    date: "Fri, 30 Jan 2026 12:20:00 GMT",
  });
  const { result, requests, events, pauses } = callWith({
    steps: [skewed, OK],
    call: { retry: { ...DEFAULT_RETRY_POLICY, attempts: 1 } },
  });
  assertEquals(await result, { fine: true });
  assertEquals(requests.map((request) => request.headers.get("x-amz-date")), [
    "20260130T120000Z",
    "20260130T122000Z",
  ]);
  assertEquals(events.filter((event) => event.type === "clockSkewLearned"), [
    { type: "clockSkewLearned", offsetMs: 20 * 60_000 },
  ]);
  assertEquals(pauses, []);
});

Deno.test("what was learnt about the clock is kept for the next call, and two calls may learn it at once", async () => {
  const skewed = refusal("RequestTimeTooSkewed", { status: 403, date: "Fri, 30 Jan 2026 11:00:00 GMT" });
  const second = Promise.withResolvers<Step>();
  const scripted = scriptedSystem([
    () => second.promise, // so that both are signed before either learns
    () => (second.resolve(skewed), skewed),
    OK,
    OK,
    OK,
  ]);
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "p",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 7000,
  }, { region: "eu-central-1", credentials: KEYS, system: scripted.system });
  const one = () => call({ operation: "X", input: {}, decode: () => true });
  await Promise.all([one(), one()]);
  await one();
  assertEquals(scripted.requests.map((request) => request.headers.get("x-amz-date")), [
    "20260130T120000Z",
    "20260130T120000Z",
    "20260130T110000Z",
    "20260130T110000Z",
    "20260130T110000Z",
  ]);
});

Deno.test("a refused signature with a right clock, without a Date, or twice is final", async () => {
  const wrong = (date?: string) =>
    refusal("InvalidSignatureException", date === undefined ? {} : { date, message: "does not match" });
  for (const date of ["Fri, 30 Jan 2026 12:00:30 GMT", "garbage", undefined]) {
    const { result, requests } = callWith({ steps: [wrong(date), OK] });
    assertEquals((await failureOf(result)).retryable, false);
    assertEquals(requests.length, 1);
  }
  const twice = [wrong("Fri, 30 Jan 2026 13:00:00 GMT"), wrong("Fri, 30 Jan 2026 14:00:00 GMT"), OK];
  const { result, requests } = callWith({ steps: twice });
  assertEquals((await failureOf(result)).code, "InvalidSignatureException");
  assertEquals(requests.length, 2);
});

Deno.test("expired credentials are asked for again once, and the call repeated with the new ones", async () => {
  const fresh = { ...KEYS, accessKeyId: "AKIDFRESH" };
  let current = KEYS;
  const refused: Credentials[] = [];
  const provider: CredentialsProvider = Object.assign(() => Promise.resolve(current), {
    invalidate: (credentials: Credentials) => {
      refused.push(credentials);
      current = fresh;
    },
  });
  const { result, requests } = callWith({
    steps: [refusal("ExpiredTokenException"), OK],
    credentials: provider,
  });
  assertEquals(await result, { fine: true });
  assertEquals(refused, [KEYS]);
  assertStringIncludes(requests[1]?.headers.get("authorization") ?? "", "Credential=AKIDFRESH/");

  const again = callWith({
    steps: [refusal("ExpiredTokenException"), refusal("ExpiredTokenException"), OK],
    credentials: (() => {
      let count = 0;
      return () => Promise.resolve({ ...KEYS, accessKeyId: `AKID${count++}` });
    })(),
  });
  assertEquals((await failureOf(again.result)).code, "ExpiredTokenException");
  assertEquals(again.requests.length, 2);
});

Deno.test("credentials that stay the same are not tried again", async () => {
  const { result, requests } = callWith({ steps: [refusal("UnrecognizedClientException"), OK] });
  assertEquals((await failureOf(result)).retryable, false);
  assertEquals(requests.length, 1);
});

Deno.test("what a source of credentials throws passes through untouched", async () => {
  const reason = new CredentialsError("no source has any");
  const { result, requests } = callWith({ steps: [OK], credentials: () => Promise.reject(reason) });
  assertEquals(await result.catch((error) => error), reason);
  assertEquals(requests.length, 0);
});

Deno.test("a source of credentials that never answers does not hold up an abort", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const { result } = callWith({
    steps: [],
    credentials: () => new Promise(() => {}),
    signal: stop.signal,
  });
  stop.abort(reason);
  assertEquals(await result.catch((error) => error), reason);
});

Deno.test("no secret gets into an error or an event, even where the service echoes the request", async () => {
  const echo = `The Canonical String should have been 'POST\nx-amz-security-token:${KEYS.sessionToken}\n` +
    `${KEYS.secretAccessKey}'`;
  const json = JSON.stringify({ __type: "InvalidSignatureException", message: echo });
  for (const body of [json, json.replaceAll("/", "\\/"), echo]) {
    const { result, events } = callWith({ steps: [{ status: 400, body }] });
    const error = await failureOf(result);
    const shown = `${Deno.inspect(error)} ${JSON.stringify(error)} ${JSON.stringify(events)}`;
    assertStringIncludes(shown, "The Canonical String should have been");
    assert(!shown.includes("wJalrXUtnFEMI"), shown);
    assert(!shown.includes("IQoJb3JpZ2lu"), shown);
  }
});

Deno.test("a short secret, as emulators take, does not garble an error", async () => {
  const { result } = callWith({
    steps: [refusal("ResourceNotFoundException", { message: "Stream orders not found" })],
    credentials: { ...KEYS, secretAccessKey: "s", sessionToken: "" },
  });
  assertEquals((await failureOf(result)).detail, "Stream orders not found");
});

Deno.test("a repair takes no attempt from those that a policy allows", async () => {
  const skewed = refusal("InvalidSignatureException", { date: "Fri, 30 Jan 2026 12:20:00 GMT" });
  const { result, requests } = callWith({
    steps: [skewed, { status: 500 }, OK],
    call: { retry: { ...DEFAULT_RETRY_POLICY, attempts: 2 } },
  });
  assertEquals(await result, { fine: true });
  assertEquals(requests.length, 3);
});

Deno.test("a code and a request's id that cannot be one are not shown", async () => {
  const headers = { "x-amzn-requestid": "<script>id</script>" };
  for (const code of ["a b", "x".repeat(101), "<b>bold</b>"]) {
    const { result, events } = callWith({
      steps: [{ status: 400, headers, body: { __type: code, message: "no" } }],
    });
    const error = await failureOf(result);
    assertEquals([error.code, error.requestId, error.message], [
      "Http400",
      undefined,
      "kinesis ListShards failed: Http400 (HTTP 400): no",
    ]);
    assertEquals(events.map((event) => "code" in event ? event.code : undefined), ["Http400"]);
  }
  const named = callWith({
    steps: [{ status: 400, headers: { "x-amzn-errortype": KEYS.sessionToken ?? "" }, body: {} }],
  });
  assertEquals((await failureOf(named.result)).code, "Http400");
});

Deno.test("keys that no key can be are refused before anything is sent, in words without them", async () => {
  const bad: readonly [Partial<Record<keyof Credentials, unknown>>, string][] = [
    [{ sessionToken: "geheim\ngeheim" }, "expected sessionToken without line breaks: got one as character 7"],
    [{ sessionToken: "geheim geheim" }, "expected sessionToken without spaces: got one as character 7"],
    [{ secretAccessKey: "geheim…" }, "expected secretAccessKey without characters outside ASCII"],
    [{ secretAccessKey: '"geheim"' }, "expected secretAccessKey without quotation marks"],
    [
      { accessKeyId: "AKIA/geheim" },
      "expected accessKeyId without quotation marks and other marks that no key has",
    ],
    [{ accessKeyId: "geheim\0" }, "expected accessKeyId without control characters"],
    [{ secretAccessKey: undefined }, "expected secretAccessKey to be a text: got undefined"],
    [{ accessKeyId: "" }, "expected accessKeyId to be a text that is not empty"],
  ];
  for (const [parts, message] of bad) {
    const credentials = { ...KEYS, ...parts } as Credentials;
    const { result, requests } = callWith({ steps: [], credentials: () => Promise.resolve(credentials) });
    const error = await assertRejects(() => result, CredentialsError, message);
    assertStringIncludes(error.message, "the option credentials");
    assert(!Deno.inspect(error).includes("geheim"), error.message);
    assertEquals([requests.length, error.reason], [0, "refused"]);
  }
});

Deno.test("a call gives an answer's memory back once it is read", async () => {
  const { system } = scriptedSystem([]);
  const { buffer } = new TextEncoder().encode('{"fine":true}');
  const response = Object.assign(new Response(), { arrayBuffer: () => Promise.resolve(buffer) });
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "Kinesis_20131202",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 7000,
  }, {
    region: "eu-central-1",
    credentials: KEYS,
    system: { ...system, fetch: () => Promise.resolve(response) },
  });
  assertEquals(await call<unknown>({ operation: "ListShards", input: {}, decode: (body) => body }), {
    fine: true,
  });
  assertEquals(buffer.byteLength, 0);
});

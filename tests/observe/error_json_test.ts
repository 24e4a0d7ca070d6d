import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { withErrorJson } from "../../src/observe/error_json.ts";
import { HOSTILE_ERRORS } from "../support/hostile_errors.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";

/** The error of an event with it, written as a listener would that adds the time. */
function written(
  error: unknown,
): { readonly name?: string; readonly message?: string; readonly code?: string } {
  const event: WorkerEvent = withErrorJson({ type: "passFailed", pass: "discovery", error });
  const plain = JSON.parse(JSON.stringify(event)).error;
  const copied = JSON.parse(JSON.stringify({ time: 1, ...event })).error;
  assertEquals(copied, plain);
  return plain;
}

Deno.test("withErrorJson() lets an error survive JSON.stringify, with its class, causes and code", () => {
  assertEquals(written(new TypeError("boom", { cause: new Error("inside") })), {
    name: "TypeError",
    message: "TypeError: boom (cause: inside)",
  });
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  assertEquals(written(refused), { name: "Error", message: "connect", code: "ECONNREFUSED" });
});

Deno.test("withErrorJson() writes an error of AWS without the secrets that AWS quotes", () => {
  const error = new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code: "SignatureDoesNotMatch",
    status: 403,
    requestId: undefined,
    retryable: false,
    detail: "The Canonical String was 'x-amz-security-token:FwoGZXIvYXdzEXAMPLE'",
    body: { message: "x-amz-security-token:FwoGZXIvYXdzEXAMPLE" },
  });
  const { name, message = "", code } = written(error);
  assertEquals([name, code], ["AwsServiceError", "SignatureDoesNotMatch"]);
  assert(message.includes("Canonical String") && !JSON.stringify(written(error)).includes("FwoG"), message);
});

Deno.test("withErrorJson() leaves the error what it is, and shows nothing that was not there", () => {
  const error = new RangeError("boom");
  const event = withErrorJson({ type: "workerStopped", error });
  assert(event.type === "workerStopped");
  assertStrictEquals(event.error, error);
  assertEquals(Object.keys(error), []);
  assertEquals(error, new RangeError("boom"));
});

Deno.test("withErrorJson() leaves text, an own toJSON and events without error as they are", () => {
  assertEquals(written("just text"), "just text" as never);
  const own = Object.assign(new Error("x"), { toJSON: () => ({ mine: true }) });
  assertEquals(written(own), { mine: true } as never);
  for (const event of [SAMPLE_EVENTS.leaseLost, SAMPLE_EVENTS.workerStopped]) {
    assertStrictEquals(withErrorJson(event), event);
  }
});

for (const [what, error] of Object.entries(HOSTILE_ERRORS).filter(([, error]) => error !== undefined)) {
  Deno.test(`withErrorJson() makes something of ${what}`, () => {
    const event = withErrorJson({ type: "passFailed", pass: "discovery", error });
    const { name, message = "" } = written(error);
    assert(typeof name === "string" && message !== "", JSON.stringify(event));
    // What is put in place of a value has it for its cause.
    if (event.type === "passFailed" && event.error !== error && what !== "a frozen error") {
      assertInstanceOf(event.error, Error);
      assertStrictEquals(event.error.cause, error);
    }
  });
}

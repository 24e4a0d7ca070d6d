import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  AwsServiceError,
  errorClass,
  errorCode,
  errorKind,
  errorText,
  isAwsError,
  isNotPermitted,
  isOfClass,
  LeaseLostError,
  ProcessorRestartError,
  StoreMovedError,
  thrownError,
} from "../src/errors.ts";
import { HOSTILE_ERRORS } from "./support/hostile_errors.ts";

for (const [what, error] of Object.entries(HOSTILE_ERRORS)) {
  Deno.test(`errorText() does not throw for ${what}, nor do its like`, () => {
    assert(errorText(error).length > 0);
    assert(errorText(new Error("outer", { cause: error })).startsWith("outer"));
    assert(errorClass(error).length > 0);
    errorCode(error);
    assertEquals(isNotPermitted(thrownError(error)), false);
    assert(errorKind(thrownError(error)).length > 0);
    assertEquals(isAwsError(thrownError(error), "x"), false);
  });
}

Deno.test("errorText() names the chain of causes once, and no more than ten of them", () => {
  assertEquals(errorText(HOSTILE_ERRORS["its own cause"]), "round");
  assertEquals(errorText(HOSTILE_ERRORS["a cause of its cause"]), "first (cause: second)");
  assertEquals(errorText(HOSTILE_ERRORS["a cause that throws"]), "own words");
  assertEquals(
    errorText(new TypeError("a", { cause: new Error("b", { cause: "c" }) })),
    "TypeError: a (cause: b (cause: c))",
  );
  assertEquals(
    errorText(new Error("Process 7 failed: TypeError: a", { cause: new TypeError("a") })),
    "Process 7 failed: TypeError: a",
  );
  let chain = new Error("0");
  for (let i = 1; i < 100_000; i++) chain = new Error(`${i}`, { cause: chain });
  assertEquals(errorText(chain).split("cause:").length, 10);
});

Deno.test("errorCode() is that of AWS or of the system, errorClass() the name or the type", () => {
  const aws = awsError("ThrottlingException");
  assertEquals([errorCode(aws), errorClass(aws)], ["ThrottlingException", "AwsServiceError"]);
  assertEquals(errorCode(Object.assign(new Error("x"), { code: "ECONNREFUSED" })), "ECONNREFUSED");
  assertEquals([errorCode(new Error("x")), errorClass("x"), errorClass(undefined)], [
    undefined,
    "string",
    "undefined",
  ]);
});

Deno.test("thrownError() leaves an error as it is, and makes one of nothing", () => {
  const error = new Error("x");
  assertStrictEquals(thrownError(error), error);
  assertStrictEquals(thrownError("text"), "text");
  assertEquals(errorText(thrownError(undefined)), "undefined was thrown");
});

Deno.test("isNotPermitted() finds a missing permission of the runtime behind other errors", () => {
  const denied = Object.assign(new Error("Requires net access"), { name: "NotCapable" });
  const node = Object.assign(new Error("Access to this API has been restricted"), {
    code: "ERR_ACCESS_DENIED",
  });
  for (const error of [denied, node]) {
    assert(isNotPermitted(error));
    assert(isNotPermitted(new TypeError("fetch failed", { cause: error })));
  }
  assertEquals(isNotPermitted(Object.assign(new Error("x"), { name: "PermissionDenied" })), false);
});

Deno.test("isOfClass() knows errors of another copy of the library, those of classes derived from a class too", () => {
  const ours = new StoreMovedError("x");
  assert(isOfClass(ours, StoreMovedError) && isOfClass(ours, ProcessorRestartError));
  const other = otherCopy();
  assert(!(other instanceof ProcessorRestartError));
  assert(isOfClass(other, StoreMovedError) && isOfClass(other, ProcessorRestartError));
  assertEquals(isOfClass(other, LeaseLostError), false);
  for (const error of [...Object.values(HOSTILE_ERRORS), Object.create(null), undefined]) {
    assertEquals(isOfClass(error, ProcessorRestartError), false);
  }
});

/** As `@kclite/kclite/sql` throws it that a module has from elsewhere. */
function otherCopy(): Error {
  class ProcessorRestartError extends Error {
    override readonly name: string = "ProcessorRestartError";
  }
  class StoreMovedError extends ProcessorRestartError {
    override readonly name = "StoreMovedError";
  }
  return new StoreMovedError("x");
}

function awsError(code: string): AwsServiceError {
  return new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code,
    status: 400,
    requestId: undefined,
    retryable: true,
    detail: "no",
    body: undefined,
  });
}

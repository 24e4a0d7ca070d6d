import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  AwsServiceError,
  errorClass,
  errorCode,
  errorKind,
  errorText,
  isAwsError,
  isNotPermitted,
  thrownError,
} from "../src/errors.ts";
import { TransactionFailedError } from "../src/transact/transact_errors.ts";
import { runCommand } from "./support/command.ts";
import { withFolder } from "./support/folder.ts";
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

type Errors = typeof import("../src/errors.ts");
type Failed = typeof import("../src/consumer/failed_records.ts");

/** Another copy of the library, as it is and as the npm package has it: without names of classes. */
async function copies(): Promise<readonly (readonly [Errors, Failed])[]> {
  const files = ["src/errors.ts", "src/consumer/failed_records.ts"].map((file) =>
    new URL(`../${file}`, import.meta.url)
  );
  return await withFolder({}, async (folder) => {
    const how = [
      "bundle",
      "--minify",
      "--code-splitting",
      "--outdir",
      folder,
      ...files.map(({ pathname }) => pathname),
    ];
    const { code, stderr } = await runCommand(Deno.execPath(), how);
    assertEquals(code, 0, stderr);
    const packed = ["errors.js", "consumer/failed_records.js"].map((file) => `file://${folder}/${file}`);
    return [
      [await import(`${files[0]}?copy`), await import(`${files[1]}?copy`)],
      [await import(packed[0] ?? ""), await import(packed[1] ?? "")],
    ];
  });
}

Deno.test("isOfClass() knows the errors of another copy of this library, and what is derived from them", async () => {
  const Errors = await import("../src/errors.ts"), Failed = await import("../src/consumer/failed_records.ts");
  const list = [{ sequenceNumber: "1", subSequenceNumber: 0, aggregated: false }];
  for (const [copy, failed] of await copies()) {
    for (const [one, other] of [[Errors, copy], [copy, Errors]] as const) {
      const { isOfClass, isOfStore, ProcessorRestartError, StoreMovedError, StoreUnavailableError } = one;
      class OwnRestart extends other.ProcessorRestartError {
        override readonly name = "OwnRestart";
      }
      const moved = new other.StoreMovedError("x"), down = new other.StoreUnavailableError("x");
      const child = new other.MultiLangProtocolError("x"), lost = new other.LeaseLostError("k", "x");
      const restarts = [new other.ProcessorRestartError("x"), moved, child, new OwnRestart("x")];
      assertEquals(restarts.map((error) => error instanceof ProcessorRestartError), [
        false,
        false,
        false,
        false,
      ]);
      assertEquals(restarts.filter((error) => !isOfClass(error, ProcessorRestartError)), []);
      assertEquals([moved, child].map((error) => isOfClass(error, StoreMovedError)), [true, false]);
      assert(isOfStore(moved) && isOfStore(down) && isOfClass(down, StoreUnavailableError));
      assert(
        isOfClass(lost, one.LeaseLostError) &&
          isOfClass(new other.RecordDecodeError("x"), one.RecordDecodeError),
      );
      for (const error of [down, lost, new Error("x"), null, "x", { name: "ProcessorRestartError" }]) {
        assertEquals(isOfClass(error, ProcessorRestartError), false);
      }
      for (const error of Object.values(HOSTILE_ERRORS)) {
        assertEquals(isOfClass(thrownError(error), ProcessorRestartError), false);
      }
    }
    assert(Errors.isOfClass(new failed.PartialFailure(list), Failed.PartialFailure));
    assert(copy.isOfClass(new Failed.PartialFailure(list), failed.PartialFailure));
  }
  assert(Errors.isOfClass(new TransactionFailedError("x"), Errors.ProcessorRestartError));
});

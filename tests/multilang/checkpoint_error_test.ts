import { assertEquals } from "@std/assert";
import { AwsServiceError, CredentialsError, LeaseLostError, LeaseTableError } from "../../src/errors.ts";
import { checkpointErrorName } from "../../src/multilang/checkpoint_error.ts";

function awsError(code: string): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "UpdateItem",
    code,
    status: 400,
    requestId: undefined,
    retryable: true,
    detail: "no",
    body: undefined,
  });
}

const NAMES: readonly (readonly [unknown, string])[] = [
  [new LeaseLostError("s", "taken"), "ShutdownException"],
  [new DOMException("the worker stops", "AbortError"), "ShutdownException"],
  [awsError("ProvisionedThroughputExceededException"), "ThrottlingException"],
  [awsError("ThrottlingException"), "ThrottlingException"],
  [awsError("RequestLimitExceeded"), "ThrottlingException"],
  [awsError("ResourceNotFoundException"), "InvalidStateException"],
  [new LeaseTableError("foreign"), "InvalidStateException"],
  [awsError("InternalServerError"), "KinesisClientLibDependencyException"],
  [awsError("NetworkError"), "KinesisClientLibDependencyException"],
  [new CredentialsError("none"), "KinesisClientLibDependencyException"],
  [new Error("?"), "KinesisClientLibDependencyException"],
  [new RangeError("backwards"), "IllegalArgumentException"],
  [new SyntaxError("abc"), "IllegalArgumentException"],
  [new TypeError("true"), "IllegalArgumentException"],
];

for (const [error, name] of NAMES) {
  Deno.test(`checkpointErrorName() calls ${error} ${name} (promise 20)`, () => {
    assertEquals(checkpointErrorName(error), name);
  });
}

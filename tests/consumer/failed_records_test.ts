import { assertEquals, assertThrows } from "@std/assert";
import { PartialFailure } from "../../src/consumer/failed_records.ts";

Deno.test("PartialFailure names records as an answer of Lambda does", () => {
  const failure = new PartialFailure(["7", { sequenceNumber: "8" }, {
    sequenceNumber: "9",
    subSequenceNumber: 2,
  }]);
  assertEquals(failure.batchItemFailures, [
    { itemIdentifier: "7" },
    { itemIdentifier: "8" },
    { itemIdentifier: "9:2" },
  ]);
  assertEquals(failure.message, "3 records of the batch failed");
});

Deno.test("PartialFailure refuses to name nothing", () => {
  assertThrows(() => new PartialFailure([]), TypeError, "expected one failed record at least");
});

/** Transactions with the checkpoint, on the emulator. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { AwsServiceError, LeaseLostError } from "../../src/errors.ts";
import { companionsOf, type LeaseStore } from "../../src/lease/lease_store.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { TransactionFailedError, TransactionRefusedError } from "../../src/transact/mod.ts";
import { counted, result, transactBed } from "../support/transact_bed.ts";

/** The store but for its transactions. */
function overriding(store: LeaseStore, more: Pick<LeaseStore, "applyWith">): LeaseStore {
  const { apply, get, tableArn } = store;
  return { apply: apply.bind(store), get: get.bind(store), tableArn, ...more } as LeaseStore;
}

/** A store whose transactions are applied, and never answered so often. */
function answersLost(times: number): (store: LeaseStore) => LeaseStore {
  return (store) =>
    overriding(store, {
      applyWith: async (...[write, { writes }, signal]: Parameters<NonNullable<LeaseStore["applyWith"]>>) => {
        // Without the token of the first attempt, so that only the counter can tell.
        const token = `${times}-${Math.random()}`;
        const outcome = await companionsOf(store)(write, { writes, token }, signal);
        if (times-- > 0) throw lost();
        return outcome;
      },
    });
}

function lost(): Error {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "TransactWriteItems",
    code: "TimeoutError",
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail: "no answer",
    body: undefined,
  });
}

Deno.test("transact() stores results and checkpoint in one request, with our mark, and knows the lease afterwards", async () => {
  const { transact, results, read, hold, events, checkpointer } = await transactBed();
  const { leaseCounter } = await read();
  await transact([counted("a"), counted("b")], { at: positionAt("150") });
  assertEquals(results(), { a: 1, b: 1 });
  const lease = await read();
  assertEquals([lease.checkpoint, lease.leaseCounter], [positionAt("150"), leaseCounter + 1]);
  assertEquals(lease.mark?.leaseCounter, leaseCounter + 1);
  assertEquals(hold.lease, lease, "as the table has it, though it was not read");
  assertEquals(checkpointer().last, positionAt("150"));
  assertEquals(events.filter(({ type }) => type === "checkpointed").length, 1);
  await hold.renew();
  await transact([counted("c")]);
  assertEquals((await read()).checkpoint, positionAt("200"), "everything delivered, by default");
  await transact([], {});
  assertEquals(results(), { a: 1, b: 1, c: 1 });
});

Deno.test("transact() takes a record or its sequence number, and SHARD_END at the end of the shard", async () => {
  const { transact, read, checkpointer } = await transactBed();
  await transact([counted("a")], { at: "120" });
  assertEquals((await read()).checkpoint, positionAt("120"));
  checkpointer().reachShardEnd();
  await transact([counted("b")]);
  assertEquals((await read()).checkpoint, positionAt("SHARD_END"));
});

Deno.test("transact() refuses a second transaction of one position, and positions out of range", async () => {
  const { transact, results } = await transactBed();
  await transact([counted("a")]);
  await assertRejects(() => transact([counted("b")]), RangeError, "which is stored already");
  await assertRejects(() => transact([counted("b")], { at: "250" }), RangeError, "expected a position from");
  await assertRejects(() => transact([counted("b")], { at: "110" }), RangeError, "expected a position from");
  assertEquals(results(), { a: 1 });
});

for (const times of [1, 2, 3]) {
  Deno.test(`transact() recognises its own transaction when ${times} answers are lost, by the counter alone`, async () => {
    const { transact, results, read, hold } = await transactBed(answersLost(times));
    await transact([counted("a")], { at: "150" });
    assertEquals(results(), { a: 1 });
    assertEquals((await read()).checkpoint, positionAt("150"));
    await transact([counted("b")], { at: "160" });
    assertEquals(results(), { a: 1, b: 1 });
    assertEquals(hold.lease, await read());
  });
}

Deno.test("transact() recognises its own transaction when a handoff began before it was sent again", async () => {
  let onLost: (() => Promise<void>) | undefined;
  const { transact, results, outside, hold, read } = await transactBed((store) =>
    overriding(store, {
      applyWith: async (...args: Parameters<NonNullable<LeaseStore["applyWith"]>>) => {
        const outcome = await companionsOf(store)(args[0], { ...args[1], token: crypto.randomUUID() });
        const then = onLost;
        onLost = undefined;
        await then?.();
        if (then !== undefined) throw lost();
        return outcome;
      },
    })
  );
  onLost = () => outside.handoff("you");
  await transact([counted("a")], { at: "150" });
  assertEquals(results(), { a: 1 });
  assert(hold.handoffSeenMs !== undefined);
  await transact([counted("b")], { at: "160" });
  assertEquals(results(), { a: 1, b: 1 });
  const { leaseOwner, checkpointOwner } = await read();
  assertEquals([leaseOwner, checkpointOwner], ["you", "me"]);
});

Deno.test("transact() through the emulator's lost, broken and throttled answers counts each once", async () => {
  const { transact, results, aws } = await transactBed();
  const faults = [
    { type: "answerLost", times: 3 },
    { type: "internal", times: 2 },
    { type: "unavailable" },
    { type: "truncated" },
    { type: "dropped", times: 3 },
    { type: "throttled", times: 4 },
    { type: "cancelled", times: 5 },
    { type: "cancelled", part: 1, code: "ProvisionedThroughputExceeded", times: 3 },
    { type: "cancelled", part: 1, code: "ThrottlingError" },
    { type: "refused", code: "TransactionInProgressException" },
  ] as const;
  for (const [index, fault] of faults.entries()) {
    aws.faults.next("TransactWriteItems", fault);
    await transact([counted(fault.type + index)], { at: String(110 + index) });
    aws.faults.clear();
    assertEquals(results()[fault.type + index], 1);
  }
  assertEquals(Object.values(results()), faults.map(() => 1));
});

Deno.test("transact() in a handoff that it does not know of learns of it, and is applied for the owner that drains", async () => {
  const { transact, results, outside, hold } = await transactBed();
  await outside.handoff("you");
  assertEquals(hold.handoffSeenMs, undefined);
  await transact([counted("a")]);
  assertEquals(results(), { a: 1 });
  assert(hold.handoffSeenMs !== undefined, "else it would not drain in time");
  assertEquals([hold.lease.leaseOwner, hold.lease.checkpointOwner], ["you", "me"]);
});

Deno.test("transact() of a former owner is refused as a lost lease, and stores nothing", async () => {
  const { transact, results, outside, hold } = await transactBed();
  await outside.assign("you");
  await assertRejects(() => transact([counted("a")]), LeaseLostError);
  assert(hold.lost.aborted);
  assertEquals(results(), {});
  await assertRejects(() => transact([counted("a")]), LeaseLostError);
});

Deno.test("transact() says which conditions of the user did not hold, and the lease is kept", async () => {
  const { transact, results, hold, read } = await transactBed();
  await transact([result("a", { ReturnValuesOnConditionCheckFailure: "ALL_OLD" })], { at: "110" });
  const once = {
    ConditionExpression: "attribute_not_exists(id)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  const error = await assertRejects(
    () => transact([counted("b"), result("a", once)]),
    TransactionRefusedError,
    'DynamoDB refused 1 of 2 writes, and nothing is stored: write 2 (Put, table "results"): ConditionalCheckFailed',
  );
  assertEquals(error.refusals.map(({ index, kind, code, item }) => ({ index, kind, code, item })), [
    { index: 1, kind: "Put", code: "ConditionalCheckFailed", item: { id: { S: "a" } } },
  ]);
  assertEquals([results(), (await read()).checkpoint], [{ a: 0 }, positionAt("110")]);
  await transact([counted("b")]);
  await hold.renew();
  assertEquals(results(), { a: 0, b: 1 });
});

Deno.test("transact() says what DynamoDB refuses as a whole", async () => {
  const { transact } = await transactBed();
  const error = await assertRejects(() => transact([counted("a"), counted("a")]), TransactionRefusedError);
  assert(error.message.includes("multiple operations on one item"), error.message);
});

Deno.test("transact() without permission or table starts the processor again: nothing is passed over", async () => {
  const { transact, aws, results } = await transactBed();
  aws.faults.next("TransactWriteItems", { type: "refused", code: "AccessDeniedException" });
  await assertRejects(() => transact([counted("a")]), TransactionFailedError, "AccessDeniedException");
  const other = { Put: { TableName: "nowhere", Item: { id: { S: "a" } } } };
  await assertRejects(() => transact([other]), TransactionFailedError, "ResourceNotFoundException");
  aws.faults.next("TransactWriteItems", { type: "cancelled", times: Infinity });
  await assertRejects(() => transact([counted("a")]), TransactionFailedError, "TransactionConflict");
  aws.faults.clear();
  assertEquals(results(), {});
  await transact([counted("a")]);
  assertEquals(results(), { a: 1 });
});

Deno.test("transact() whose fate nobody can tell starts the processor again, which goes on from where it was", async () => {
  const { transact, aws, results, restart, checkpointer } = await transactBed();
  aws.faults.next("TransactWriteItems", { type: "answerLost", times: Infinity });
  aws.faults.next("UpdateItem", { type: "dropped", times: Infinity });
  await assertRejects(() => transact([counted("a")], { at: "150" }), TransactionFailedError);
  assertEquals(results(), { a: 1 }, "it was applied");
  restart();
  assertEquals(checkpointer().last, positionAt("100"), "which nobody knows yet");
  aws.faults.clear();
  await assertRejects(() => transact([counted("a")], { at: "170" }), TransactionFailedError, "got 150");
  restart();
  assertEquals(checkpointer().last, positionAt("150"));
  await transact([counted("b")], { at: "170" });
  assertEquals(results(), { a: 1, b: 1 });
});

Deno.test("transact() waits for its turn among renewals and checkpoints", async () => {
  const { transact, hold, checkpointer, results, read } = await transactBed();
  const { leaseCounter } = await read();
  await Promise.all([
    hold.renew(),
    transact([counted("a")], { at: "110" }),
    hold.renew(),
    checkpointer().checkpoint(positionAt("120")),
    transact([counted("b")], { at: "130" }),
    hold.renew(),
  ]);
  assertEquals([results(), hold.lost.aborted], [{ a: 1, b: 1 }, false]);
  assertEquals((await read()).leaseCounter, leaseCounter + 6);
});

Deno.test("LeaseHold.renew() that meets a transaction is tried again, and keeps the lease", async () => {
  const { hold, aws, events } = await transactBed();
  aws.faults.next("UpdateItem", { type: "refused", code: "TransactionConflictException", times: 3 });
  await hold.renew();
  assertEquals(aws.faults.met("UpdateItem"), 3);
  assertEquals([hold.lost.aborted, events.filter(({ type }) => type === "leaseRenewed").length], [false, 1]);
});

Deno.test("transact() of a store that cannot do it says so", async () => {
  const { transact } = await transactBed((store) => {
    const { apply, get } = store;
    return { apply: apply.bind(store), get: get.bind(store) } as LeaseStore;
  });
  await assertRejects(() => transact([counted("a")]), TypeError, "expected a lease table in DynamoDB");
});

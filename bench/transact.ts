/**
 * What `context.transact` takes beside its TransactWriteItems alone, on the emulator in this process: the whole and
 * the call within it are timed for each transaction. A real DynamoDB takes longer, so that the ratio is smaller.
 * `deno task bench:transact`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type DynamoDB, signedDynamoDB } from "../src/aws/dynamodb.ts";
import { Checkpointer } from "../src/consumer/checkpointer.ts";
import { Identity } from "../src/fleet/identity.ts";
import { MarkedLeaseStore } from "../src/fleet/marked_lease_store.ts";
import { assign } from "../src/lease/lease_write.ts";
import { DynamoDBLeaseStore } from "../src/store/dynamodb_lease_store.ts";
import { positionAt } from "../src/stream/sequence_number.ts";
import { simulatedAws } from "../src/testing/mod.ts";
import { transact } from "../src/transact/transact.ts";
import { marshall, type TransactWrite } from "../src/transact/mod.ts";
import { LeaseHold } from "../src/worker/lease_hold.ts";

const { values: { smoke } } = parseArgs({ options: { smoke: { type: "boolean" } } });
const SIZES = smoke ? [10] : [10, 50, 99], CALLS = smoke ? 5 : 500;
const TEXT = "x".repeat(300);

const aws = simulatedAws({ tables: { results: { key: "id" } }, changeMs: 0 });
const { system } = aws;
const dynamodb = signedDynamoDB({
  region: "us-east-1",
  endpoint: "http://simulated",
  credentials: () => Promise.resolve({ accessKeyId: "any", secretAccessKey: "any" }),
  system,
});
let callMs = 0;
const measured: DynamoDB = {
  ...dynamodb,
  async transactWriteItems(input, signal) {
    const startMs = performance.now();
    await dynamodb.transactWriteItems(input, signal);
    callMs += performance.now() - startMs;
  },
};
const table = new DynamoDBLeaseStore({ tableName: "leases", dynamodb: measured, system });
await table.ensureTable();
const range = { startingHashKey: "0", endingHashKey: String(2n ** 128n - 1n) };

/** A held lease. */
async function held(leaseKey: string): Promise<LeaseHold> {
  const about = {
    leaseKey,
    shardId: leaseKey,
    streamIdentifier: undefined,
    parentShardIds: [],
    hashKeyRange: range,
  };
  await table.create({ ...about, checkpoint: positionAt("1") });
  const identity = new Identity({ workerId: "bench", system, emit: () => {} });
  const store = new MarkedLeaseStore(table, identity);
  const lease = await store.get(leaseKey);
  if (lease === undefined) throw new Error("no lease");
  const outcome = await store.apply(assign(lease, "bench"));
  if (!outcome.applied) throw new Error("not assigned");
  return new LeaseHold(outcome.lease, system.clock.monotonicMs(), {
    ...{
      store,
      identity,
      workerId: "bench",
      clock: system.clock,
      emit: () => {},
      successorOf: () => undefined,
    },
    leasing: { failoverTimeMs: 600_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
  });
}

let id = 0;
const writesOf = (count: number): TransactWrite[] =>
  Array.from({ length: count }, (_, index) => ({
    Put: {
      TableName: "results",
      Item: marshall({ id: `${++id % 5000}-${index}`, text: TEXT, total: index, list: [1, 2] }),
    },
  }));

const hold = await held("ours");
const checkpointer = new Checkpointer(hold, system.clock, () => {});
checkpointer.delivering(positionAt("9".repeat(30)));
let at = 1;

/** One transaction: how long it took, and how long of that its TransactWriteItems. */
async function timed(
  writes: readonly TransactWrite[],
): Promise<{ readonly wholeMs: number; readonly callMs: number }> {
  callMs = 0;
  const startMs = performance.now();
  await transact(
    { held: hold, checkpointer, system, leaseTableArn: table.tableArn },
    writes,
    { at: String(++at) },
  );
  return { wholeMs: performance.now() - startMs, callMs };
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? NaN;
const ratios: Record<string, number> = {};
for (const size of SIZES) {
  for (let call = 0; call < CALLS; call++) await timed(writesOf(size)); // warms up
  const times: { readonly wholeMs: number; readonly callMs: number }[] = [];
  for (let call = 0; call < CALLS; call++) times.push(await timed(writesOf(size)));
  const [wholeMs, callsMs] = [
    median(times.map((time) => time.wholeMs)),
    median(times.map((time) => time.callMs)),
  ];
  console.log(`${size} writes: ${wholeMs.toFixed(3)} ms, of which the call ${callsMs.toFixed(3)} ms`);
  ratios[`${size}`] = Math.round(1000 * median(times.map((time) => time.wholeMs / time.callMs))) / 1000;
}
console.log(JSON.stringify({ transactTimesCall: ratios }));
aws.close();

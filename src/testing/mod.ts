/**
 * Whole fleets in virtual time, from a seed: test your own processors against crashes, pauses, reshards,
 * handoffs and failing services. It is what this library tests itself with. See docs/simulation.md.
 *
 * ```ts
 * import { simulate, violationText } from "@kclite/kclite/testing";
 *
 * const counts = new Map<string, number>(); // the database
 * const result = await simulate({
 *   seed: 1,
 *   minutes: 2,
 *   processor: () => ({
 *     async processRecords({ records }, context) {
 *       for (const { partitionKey } of records) counts.set(partitionKey, (counts.get(partitionKey) ?? 0) + 1);
 *       await context.checkpoint();
 *     },
 *     shardEnded: (context) => context.checkpoint(),
 *   }),
 * });
 * if (result.violation !== undefined) throw new Error(violationText(result));
 * ```
 *
 * And the same model of Kinesis and DynamoDB as a server in real time, to develop against and to break: see
 * docs/emulator.md.
 *
 * ```ts
 * import { simulatedAws } from "@kclite/kclite/testing";
 *
 * const aws = simulatedAws({ streams: { words: 2 } });
 * aws.stream("words").put("hello");
 * aws.faults.next("GetRecords", { type: "throttled", times: 3 });
 * const { system, fetch } = aws; // a worker's option `system`, or a server's handler
 * ```
 *
 * A processor alone, without a worker: {@linkcode testContext}. A record: {@linkcode testRecord}. A store of
 * your own: {@linkcode leaseStoreContract}. A lease table in memory: {@linkcode memoryStores}. See
 * docs/testing.md.
 *
 * Simulations run where there is `setImmediate`: Deno, Node.js, Bun. The server runs anywhere.
 *
 * @module
 */

export {
  type GivenTable,
  type SimulatedAws,
  simulatedAws,
  type SimulatedAwsOptions,
} from "./emulator/simulated_aws.ts";
export type { MetricDatum } from "./emulator/cloudwatch/put_metric_data.ts";
export type { WrongField } from "./emulator/wrong_field.ts";
export type { AwsFault, AwsFaults, FaultChoice, SubscriptionFault } from "./emulator/aws_faults.ts";
export type { AttributeValue, Item, StreamViewType } from "../aws/dynamodb_answers.ts";
export type {
  PutResult,
  StreamControl,
  TableShard,
  TableStreamControl,
  TableView,
} from "./emulator/stream_control.ts";
export { simulate, type SimulationOptions, type SimulationResult } from "./simulation/simulation.ts";
export { type Violation, violationText } from "./simulation/history.ts";
export { ALL_FAULTS, type Fault } from "./simulation/faults.ts";
export type { FleetOptions } from "./simulation/fleet_options.ts";
export type { SimulatedMachine } from "./simulation/simulated_fleet.ts";
export {
  type TestBatchOptions,
  type TestContext,
  testContext,
  type TestContextOptions,
  type TestPreparation,
  type TestTransaction,
} from "./unit/test_context.ts";
export { type TestRecord, testRecord, type TestRecordFields } from "./unit/test_record.ts";
export { type MemoryStores, memoryStores } from "./unit/memory_stores.ts";
export {
  leaseStoreContract,
  type LeaseStoreContractOptions,
  type RegisterTest,
} from "./unit/lease_store_contract.ts";

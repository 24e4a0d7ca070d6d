/**
 * What it costs to look at a large fleet: `kclite describe` of 10,000 and 20,000 leases, in a process of its
 * own, beside the emulator in this one.
 *
 * ```sh
 * deno task bench:operate [--smoke]
 * ```
 *
 * Ends with one line of JSON: ms for 10,000 leases in one look, and the peak of memory of the larger run.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { OperateTurn } from "./operate_turn.ts";
import { signedDynamoDB } from "../src/aws/dynamodb.ts";
import { DynamoDBLeaseStore } from "../src/store/dynamodb_lease_store.ts";
import { newLeaseItem } from "../src/store/lease_item.ts";
import { MAX_HASH_KEY } from "../src/stream/hash_key.ts";
import { positionAt } from "../src/stream/sequence_number.ts";
import { simulatedAws } from "../src/testing/mod.ts";

const REGION = "us-east-1";
const KEYS = { accessKeyId: "any", secretAccessKey: "any" };
const TURN = new URL("operate_turn.ts", import.meta.url).pathname;

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
const sizes = values.smoke ? [100] : [10_000, 20_000];

const aws = simulatedAws({ region: REGION, changeMs: 0 });
await using server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => aws.fetch(request),
);
const endpoint = `http://127.0.0.1:${server.addr.port}`;
const dynamodb = signedDynamoDB({
  region: REGION,
  credentials: () => Promise.resolve(KEYS),
  system: aws.system,
});

const turns: { readonly leases: number; readonly one: OperateTurn; readonly two: OperateTurn }[] = [];
for (const leases of sizes) {
  const tableName = `app-${leases}`;
  await fillTable(tableName, leases);
  const one = await described(tableName, ["--between", "0s"]);
  const two = await described(tableName, ["--between", "1s"]);
  turns.push({ leases, one, two });
  console.log(
    `${leases} leases: one look ${one.ms.toFixed(0)} ms (${one.cpuMs.toFixed(0)} ms of CPU), two looks ${
      (two.ms - 1000).toFixed(0)
    } ms without the pause; peak of memory ${one.rssMiB.toFixed(0)} MiB and ${two.rssMiB.toFixed(0)} MiB`,
  );
}
const [first, last] = [turns[0], turns.at(-1)];
console.log(JSON.stringify({
  describeMsPer10000Leases: Math.round((first?.one.ms ?? 0) * 10_000 / (first?.leases ?? 1)),
  twoLooksMsPer10000Leases: Math.round(((first?.two.ms ?? 0) - 1000) * 10_000 / (first?.leases ?? 1)),
  rssMiB: Math.round(last?.two.rssMiB ?? 0),
  leases: last?.leases,
}));

/** Items as workers leave them: an owner, a checkpoint, throughput and a mark. */
async function fillTable(tableName: string, size: number): Promise<void> {
  await new DynamoDBLeaseStore({ dynamodb, tableName, system: aws.system }).ensureTable();
  const step = MAX_HASH_KEY / BigInt(size);
  for (let n = 0; n < size; n++) {
    const shardId = `shardId-${`${n}`.padStart(12, "0")}`;
    const hashKeyRange = {
      startingHashKey: `${step * BigInt(n)}`,
      endingHashKey: `${step * BigInt(n + 1) - 1n}`,
    };
    await dynamodb.putItem(tableName, {
      ...newLeaseItem({
        leaseKey: shardId,
        shardId,
        streamIdentifier: undefined,
        checkpoint: positionAt(`4966${"0".repeat(40)}${`${n}`.padStart(12, "0")}`),
        parentShardIds: [],
        hashKeyRange,
      }),
      leaseOwner: { S: `worker-${n % 200}` },
      leaseCounter: { N: `${n}` },
      throughputKBps: { N: "12.5" },
      kcliteIncarnation: { S: `worker-${n % 200}/1700000000000/0123456789abcdef/${n}` },
    }, {});
  }
}

/** Runs `describe` in a process of its own. */
async function described(application: string, args: readonly string[]): Promise<OperateTurn> {
  const place = ["--region", REGION, "--kinesis-endpoint", endpoint, "--dynamodb-endpoint", endpoint];
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", TURN, "describe", "--application", application, ...place, ...args],
    env: { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any", NO_COLOR: "1" },
  }).output();
  const [printed, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(`operate_turn.ts ended with ${code}: ${said}`);
  const turn: OperateTurn = JSON.parse(printed ?? "");
  if (turn.code !== 0) throw new Error(`describe ended with ${turn.code}: ${said}`);
  return turn;
}

/**
 * What typed records cost: `decoded()` with `json()` beside `JSON.parse` of the same bytes, in CPU seconds, in turns.
 * `deno task bench:decode`
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { decoded, json } from "../src/decode/mod.ts";
import { kinesisRecord } from "../src/stream/record.ts";
import { testContext } from "../src/testing/mod.ts";

const { values: { smoke } } = parseArgs({ options: { smoke: { type: "boolean" } } });
const BATCH = 1000, BATCHES = smoke ? 2 : 400, TURNS = smoke ? 1 : 5;

const records = Array.from({ length: BATCH }, (_, at) =>
  kinesisRecord({
    sequenceNumber: `${at + 1}`,
    subSequenceNumber: 0,
    partitionKey: `key-${at}`,
    explicitHashKey: undefined,
    data: new TextEncoder().encode(
      JSON.stringify({
        id: at,
        lines: Array.from(
          { length: 12 },
          (_, line) => ({ sku: `sku-${at}-${line}`, price: line * 1.5, count: line }),
        ),
      }),
    ),
    approximateArrivalTimestamp: 0,
    encryptionType: undefined,
    aggregated: false,
  }));
const utf8 = new TextDecoder();
let seen = 0;

const context = testContext();
const processor = decoded({ decoder: json() }, () => ({
  processRecords({ records }) {
    for (const { value } of records) if (value !== undefined) seen++;
  },
  shardEnded: () => {},
}))("shard", context);
const batch = { records, millisBehindLatest: 0, isAtShardEnd: false, childShards: [] };

/** What each side does with all batches. */
const SIDES = {
  typed: async () => {
    for (let round = 0; round < BATCHES; round++) await processor.processRecords(batch, context);
  },
  parse: async () => {
    for (let round = 0; round < BATCHES; round++) {
      for (const { data } of records) if (JSON.parse(utf8.decode(data)) !== undefined) seen++;
      await undefined;
    }
  },
};

const cpu: Record<keyof typeof SIDES, number[]> = { typed: [], parse: [] };
for (let turn = 0; turn <= TURNS; turn++) {
  for (const [name, run] of Object.entries(SIDES) as [keyof typeof SIDES, () => Promise<void>][]) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    if (turn > 0) cpu[name].push((user + system) / 1e6); // the first turn warms up
  }
}
const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? NaN;
const perRecord = (name: keyof typeof SIDES) => Math.round(median(cpu[name]) / BATCH / BATCHES * 1e9) / 1e3;
const bytes = records[0]?.data.length ?? 0;
console.log(
  `records of ${bytes} bytes, µs of CPU each: typed ${perRecord("typed")}, JSON.parse ${perRecord("parse")}`,
);
const typedSpeedToJsonParse = Math.round(100 * median(cpu.parse) / median(cpu.typed)) / 100;
console.log(JSON.stringify({ typedSpeedToJsonParse, records: seen }));

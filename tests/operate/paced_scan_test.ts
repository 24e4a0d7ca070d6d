/** How a scan paces itself: beside a fake table, on a clock whose sleeps pass at once. */

import { assertEquals, assertRejects } from "@std/assert";
import type { Item } from "../../src/aws/dynamodb.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { pacedScan, type PacedScanOptions } from "../../src/operate/paced_scan.ts";
import { PassingClock } from "../support/operate_bed.ts";

const NEVER = new AbortController().signal;

/** Two pages of one item for each part. */
class FakeTable {
  readonly clock: PassingClock = new PassingClock();
  /** When each page was asked for, in ms. */
  readonly askedMs: number[] = [];
  /** How many of the next calls are throttled. */
  refusals = 0;
  readUnits = 1;
  /** The most calls under way at once, since DynamoDB throttled last. */
  mostAtOnce = 0;
  #underWay = 0;

  readonly scanPage: PacedScanOptions["dynamodb"]["scanPage"] = async (_, { segment, from }) => {
    this.askedMs.push(this.clock.monotonicMs());
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      const isRefused = this.refusals > 0 && this.refusals-- > 0;
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (isRefused) {
        this.mostAtOnce = 0;
        throw throttled();
      }
    } finally {
      this.#underWay--;
    }
    const isFirst = from === undefined;
    const items: Item[] = [{ leaseKey: { S: `${segment}-${isFirst ? 0 : 1}` } }];
    return { items, lastKey: isFirst ? items[0] : undefined, readUnits: this.readUnits };
  };

  async scan(options: Partial<PacedScanOptions> = {}): Promise<string[]> {
    const keys: string[] = [];
    await pacedScan({
      dynamodb: this,
      tableName: "app",
      segments: 1,
      maxRcu: undefined,
      clock: this.clock,
      onPage: (items) => void keys.push(...items.map(({ leaseKey }) => JSON.stringify(leaseKey))),
      ...options,
    }, NEVER);
    return keys.toSorted();
  }
}

function keysOf(...keys: readonly string[]): string[] {
  return keys.map((S) => JSON.stringify({ S }));
}

function throttled(): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "Scan",
    code: "ProvisionedThroughputExceededException",
    status: 400,
    requestId: undefined,
    retryable: true,
    detail: "too much",
    body: undefined,
  });
}

Deno.test("pacedScan() pauses twice as long after each refusal in a row, and begins anew after a page", async () => {
  const table = new FakeTable();
  table.refusals = 3;
  assertEquals(await table.scan(), keysOf("0-0", "0-1"));
  assertEquals(table.askedMs, [0, 1000, 3000, 7000, 7000]);
  table.refusals = 1;
  await table.scan();
  assertEquals(table.askedMs.slice(5), [7000, 8000, 8000]);
});

Deno.test("pacedScan() gives up after eight refusals in a row", async () => {
  const table = new FakeTable();
  table.refusals = 100;
  await assertRejects(() => table.scan(), AwsServiceError, "too much");
  assertEquals(table.askedMs, [0, 1000, 3000, 7000, 15_000, 31_000, 47_000, 63_000]);
});

Deno.test("pacedScan() reads its parts side by side, and one page at a time once it is throttled", async () => {
  const table = new FakeTable();
  const all = keysOf("0-0", "0-1", "1-0", "1-1", "2-0", "2-1", "3-0", "3-1");
  assertEquals(await table.scan({ segments: 4 }), all);
  assertEquals(table.mostAtOnce, 4);
  table.refusals = 4;
  assertEquals(await table.scan({ segments: 4 }), all);
  assertEquals(table.mostAtOnce, 1);
});

Deno.test("pacedScan() waits after each page for what the page has cost", async () => {
  const table = new FakeTable();
  table.readUnits = 128;
  await table.scan({ maxRcu: 64 });
  await table.scan({ maxRcu: 64, segments: 2 });
  assertEquals(table.askedMs, [0, 2000, 2000, 4000, 6000, 8000]);
});

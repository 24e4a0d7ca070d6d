/**
 * Typed records: each is decoded from JSON and checked by a schema before the program sees it. One that does not
 * fit becomes a dead letter after one try; the others go on.
 *
 * ```sh
 * deno run -A examples/typed_records/main.ts
 * ```
 *
 * The schema is written by hand. With zod it is `z.object({ id: z.string(), total: z.number() })`.
 *
 * @module
 */

import { KinesisWorker } from "@kclite/kclite";
import { eachDecoded, json, type StandardSchemaV1 } from "@kclite/kclite/decode";
import { deadLetter } from "@kclite/kclite/failures";
import { simulatedAws } from "@kclite/kclite/testing";

const Order: StandardSchemaV1<unknown, { readonly id: string; readonly total: number }> = {
  "~standard": {
    version: 1,
    vendor: "by hand",
    validate(value) {
      const { id, total } = Object(value);
      if (typeof id === "string" && typeof total === "number") return { value: { id, total } };
      return { issues: [{ message: "expected an id and a total" }] };
    },
  },
};

/** Books two orders of three, and ends. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const text of ['{"id":"a","total":5}', '{"id":"b","total":"much"}', '{"id":"c","total":7}']) {
    aws.stream("orders").put(text);
  }
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "books",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    log: false, // it would warn of the record that does not fit
    errors: {
      onExhausted: deadLetter({
        name: "the screen",
        store: async ({ condition, error }) => print(`${condition}: ${(error as Error).cause}`),
      }),
    },
    processor: eachDecoded({ decoder: json(), schema: Order }, ({ id, total }) => {
      print(`${id}: ${total}`); // total is a number, as the schema says
      if (id === "c") stop.abort();
    }),
  });
  await worker.run(stop.signal);
}

if (import.meta.main) await main();

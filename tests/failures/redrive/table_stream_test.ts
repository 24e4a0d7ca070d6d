/** Dead letters of the stream of a table: stored as Lambda has them, and processed again with their changes. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { documentText } from "../../../src/failures/letters/document.ts";
import { fetchAgain, streamOf } from "../../../src/failures/redrive/fetch_again.ts";
import { redrive } from "../../../src/failures/redrive/redrive.ts";
import { storedLetter } from "../../../src/failures/redrive/stored_letter.ts";
import type { KinesisRecord } from "../../../src/stream/record.ts";
import { tableStreamBed } from "../../support/table_stream.ts";
import { letterOf, NEVER } from "../letters/fixtures.ts";

const SINKS = ["list", "payload", "none"] as const;

/** A letter that gave up the changes b and c of a, b, c, d. */
async function bed() {
  const made = await tableStreamBed();
  for (const id of ["a", "b", "c", "d"]) await made.put(id);
  const region = "us-east-1";
  const streamName = `${region}$000000000000$orders$${made.arn.slice(made.arn.lastIndexOf("/") + 1)}`
    .replaceAll(":", "_");
  const shardId = made.stream.shards()[0]?.shardId ?? "";
  const of = { streamName, streamArn: made.arn };
  const service = { ...made.service, region, endpoint: undefined, dynamoDBEndpoint: "http://simulated" };
  const { kinesis, stream } = streamOf({ ...storedLetter(documentText(letterOf({}))), ...of }, service);
  const iterator = await kinesis.getShardIterator(stream, shardId, { type: "TRIM_HORIZON" });
  const { records } = await kinesis.getRecords(stream, iterator ?? "", 1000);
  const letter = letterOf({ ...of, shardId, records: records.slice(1, 3) });
  /** What a processor gets when the letter is redriven. */
  const redriven = async (text: string) => {
    const got: KinesisRecord[] = [];
    const counts = await redrive({
      source: {
        name: "test",
        async *letters() {
          yield await Promise.resolve({ place: "1", text, remove: undefined });
        },
        close: () => Promise.resolve(),
      },
      processor: () => ({ processRecords: ({ records }) => void got.push(...records), shardEnded: () => {} }),
      fetchRecords: (stored, signal) =>
        fetchAgain(stored, streamOf(stored, service).stream, { kinesis, clock: made.clock }, signal),
      max: Infinity,
      onStep: () => {},
    }, NEVER);
    return { got, counts };
  };
  return { ...made, letter, redriven, kinesis, service };
}

Deno.test("redrive() gives back the changes of a table's stream, from the letter or from the stream", async () => {
  const { aws, letter, redriven } = await bed();
  for (const records of SINKS) {
    const text = documentText(letter, { records });
    const document = JSON.parse(text);
    assertEquals([document.KinesisBatchInfo, document.DDBStreamBatchInfo.batchSize], [undefined, 2]);
    assertEquals(document.DDBStreamBatchInfo.streamArn, letter.streamArn);
    const { got, counts } = await redriven(text);
    assertEquals(counts.processed, 1, records);
    assertEquals(got.map(({ change }) => [change?.type, change?.keys]), [
      ["INSERT", { id: { S: "b" } }],
      ["INSERT", { id: { S: "c" } }],
    ]);
    assertEquals(got.map((record) => record.text()), letter.records.map((record) => record.text()));
    assertEquals(
      got.map(({ sequenceNumber }) => sequenceNumber),
      letter.records.map((one) => one.sequenceNumber),
    );
  }
  aws.close();
});

Deno.test("redrive() understands Lambda's own letter of a table's stream, which names neither records nor us", async () => {
  const { aws, letter, redriven } = await bed();
  const { kclite: _, ...lambdas } = JSON.parse(documentText(letter, { records: "none" }));
  const { got } = await redriven(JSON.stringify(lambdas));
  assertEquals(got.map(({ change }) => change?.keys), [{ id: { S: "b" } }, { id: { S: "c" } }]);
  aws.close();
});

Deno.test("fetchAgain() says that the stream of a table retains a letter's changes no longer", async () => {
  const { aws, clock, letter, kinesis, stream, put, service } = await bed();
  stream.trim(letter.shardId);
  await put("e");
  const stored = storedLetter(documentText(letter, { records: "none" }));
  const of = streamOf(stored, service).stream;
  const error = await assertRejects(() => fetchAgain(stored, of, { kinesis, clock }, NEVER));
  assert(error instanceof Error && /trimmed|retains them no longer/.test(error.message), String(error));
  aws.close();
});

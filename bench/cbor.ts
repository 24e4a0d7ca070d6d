/**
 * How much faster GetRecords is in CBOR than in JSON: the same page of records, through the signed client, from a server in a
 * process of its own that answers at once. Also the reading of an answer alone, without HTTP, as the client does it.
 *
 * The two take turns, so that whatever else the machine does hits both alike; the figures are medians over the rounds. The
 * last line is JSON: `recordsPerSecond` in CBOR, and
 * `ratioToJson`, `cpuRatioToJson` and `readingRatioToJson` (1 = no faster than JSON).
 *
 * ```sh
 * deno task bench:cbor [--smoke]
 * ```
 *
 * `--smoke` reads one page of each kind, which shows that the program works and measures nothing.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { cborKinesis, getRecordsOutputInCbor } from "../src/aws/cbor_kinesis.ts";
import { signedKinesis } from "../src/aws/kinesis.ts";
import { JSON_ENCODING, recordsAnswer } from "../src/aws/kinesis_wire.ts";
import { realSystem } from "../src/system.ts";
import { cbor } from "../tests/support/cbor.ts";

/** About 5 MiB of JSON, half of what one GetRecords may return. */
const FULL_PAGE_RECORDS = 3434, RECORD_BYTES = 1024;

const { values } = parseArgs({
  options: { serve: { type: "boolean", default: false }, smoke: { type: "boolean", default: false } },
});
const [rounds, measuredPages, warmUpPages, recordCount] = values.smoke
  ? [1, 1, 1, 10]
  : [7, 60, 20, FULL_PAGE_RECORDS];

function pages() {
  const arrival = new Date(1_769_774_400_123);
  const records = Array.from({ length: recordCount }, (_, i) => ({
    SequenceNumber: `${49590338271490256608559692538361571095921575989136580000n + BigInt(i)}`,
    ApproximateArrivalTimestamp: arrival,
    Data: crypto.getRandomValues(new Uint8Array(RECORD_BYTES)),
    PartitionKey: `key-${i}`,
    EncryptionType: "NONE",
  }));
  const page = { Records: records, NextShardIterator: "A".repeat(200), MillisBehindLatest: 3_600_000 };
  const wire = records.map((record) => ({
    ...record,
    ApproximateArrivalTimestamp: arrival.getTime() / 1000,
    Data: record.Data.toBase64(),
  }));
  return {
    cbor: Uint8Array.from(cbor(page, true)),
    json: new TextEncoder().encode(JSON.stringify({ ...page, Records: wire })),
  };
}

function serve(): void {
  const { cbor, json } = pages();
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  }, async (request) => {
    const contentType = request.headers.get("content-type") ?? "";
    await request.body?.cancel();
    return new Response(contentType.includes("cbor") ? cbor : json, {
      headers: { "content-type": contentType },
    });
  });
}

/** Records a second, by the clock and by the CPU time of this process. */
interface Speed {
  readonly records: number;
  readonly recordsOfCpu: number;
}

async function speed(read: () => unknown): Promise<Speed> {
  for (let i = 0; i < warmUpPages; i++) await read();
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  for (let i = 0; i < measuredPages; i++) await read();
  const { user, system } = process.cpuUsage(startCpu);
  return {
    records: measuredPages * recordCount / (performance.now() - startMs) * 1000,
    recordsOfCpu: measuredPages * recordCount / (user + system) * 1e6,
  };
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? NaN;
}

async function measure(): Promise<void> {
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.url, "--serve", ...(values.smoke ? ["--smoke"] : [])],
    stdout: "piped",
  }).spawn();
  try {
    const { value } = await server.stdout.getReader().read();
    const options = {
      region: "us-east-1",
      endpoint: new TextDecoder().decode(value).trim(),
      credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
      system: realSystem,
    };
    const json = signedKinesis(options);
    const inCbor = cborKinesis(json, options);
    const page = pages();
    const stream = { streamName: "words", streamArn: undefined };
    const turns = {
      json: () => json.getRecords(stream, "iterator", 10_000),
      cbor: () => inCbor.getRecords(stream, "iterator", 10_000),
      readJson: () => recordsAnswer(JSON.parse(new TextDecoder().decode(page.json)), JSON_ENCODING),
      readCbor: () => getRecordsOutputInCbor(page.cbor),
    };
    const speeds: Record<keyof typeof turns, Speed[]> = { json: [], cbor: [], readJson: [], readCbor: [] };
    const names = Object.keys(turns) as (keyof typeof turns)[];
    for (let round = 0; round < rounds; round++) {
      for (const name of names) speeds[name].push(await speed(turns[name]));
    }
    const medianOf = (name: keyof typeof turns, figure: keyof Speed) =>
      median(speeds[name].map((one) => one[figure]));
    for (const name of names) {
      const thousands = (figure: keyof Speed) =>
        `${(medianOf(name, figure) / 1000).toFixed(0).padStart(5)} k`;
      console.log(
        `${name.padEnd(9)}${thousands("records")} records/s ${thousands("recordsOfCpu")} per second of CPU`,
      );
    }
    const ratio = (a: keyof typeof turns, b: keyof typeof turns, figure: keyof Speed) =>
      Number((medianOf(a, figure) / medianOf(b, figure)).toFixed(2));
    console.log(JSON.stringify({
      recordsPerSecond: Math.round(medianOf("cbor", "records")),
      ratioToJson: ratio("cbor", "json", "records"),
      cpuRatioToJson: ratio("cbor", "json", "recordsOfCpu"),
      readingRatioToJson: ratio("readCbor", "readJson", "recordsOfCpu"),
    }));
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
}

if (values.serve) serve();
else await measure();

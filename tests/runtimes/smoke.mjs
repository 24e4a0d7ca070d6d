// @ts-check
/**
 * A small worker in plain JavaScript, the same for every runtime: reads `count` records, checkpoints, stops. And its metrics and
 * spans, against the emulator.
 *
 * @module
 */

/**
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {{ kinesisEndpoint?: string, dynamoDBEndpoint?: string, system?: import("../../mod.ts").System, onEvent?: import("../../mod.ts").WorkerEventListener, streamName: string, count: number, around?: import("../../src/otel/mod.ts").OtelListener["around"] }} options
 * @returns {Promise<string[]>} The payloads, in order of arrival.
 */
export async function smoke({ KinesisWorker }, { streamName, count, around = (made) => made, ...options }) {
  /** @type {string[]} */
  const texts = [];
  const stop = new AbortController();
  const timeLimit = setTimeout(() => stop.abort(), 15_000);
  const worker = new KinesisWorker({
    applicationName: `smoke-${streamName}`,
    streamName,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    ...options,
    initialPositionInStream: "TRIM_HORIZON",
    processor: around(() => ({
      async processRecords({ records }, context) {
        for (const record of records) texts.push(new TextDecoder().decode(record.data));
        await context.checkpoint();
        if (texts.length >= count) stop.abort();
      },
      async shardEnded(context) {
        await context.checkpoint();
      },
    })),
    onProcessError: "retry",
  });
  try {
    await worker.run(stop.signal);
  } finally {
    clearTimeout(timeLimit);
  }
  return texts;
}

/**
 * The same against the emulator of `./testing`, in this very runtime.
 *
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {Pick<typeof import("../../src/testing/mod.ts"), "simulatedAws">} testing As the runtime loaded it.
 */
export async function smokeSimulated(library, { simulatedAws }) {
  const aws = simulatedAws({ streams: { smoke: 1 } });
  const texts = ["one", "two", "three"];
  for (const text of texts) aws.stream("smoke").put(text);
  aws.faults.next("GetRecords", { type: "answerLost" });
  const found = await smoke(library, { streamName: "smoke", count: 3, system: aws.system });
  if (`${found}` !== `${texts}` || aws.faults.met() !== 1) throw new Error(`the emulator gave ${found}`);
}

/**
 * One run of a worker whose metrics go to CloudWatch, in a packed body where the runtime can pack, and whose spans go to a
 * tracer of OpenTelemetry.
 *
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {Pick<typeof import("../../src/testing/mod.ts"), "simulatedAws">} testing As the runtime loaded it.
 * @param {Pick<typeof import("../../src/cloudwatch/mod.ts"), "cloudWatchMetrics">} cloudWatch As the runtime loaded it.
 * @param {Pick<typeof import("../../src/otel/mod.ts"), "otelListener">} otel As the runtime loaded it.
 */
export async function smokeMetrics(library, { simulatedAws }, { cloudWatchMetrics }, { otelListener }) {
  const aws = simulatedAws({ streams: { smoke: 8 } }); // metrics of 8 shards are packed
  aws.stream("smoke").put("one");
  /** @type {(string | null)[]} */
  const packed = [];
  const metrics = cloudWatchMetrics({
    applicationName: "smoke-smoke",
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    system: aws.system,
    fetch: (input, init) => {
      packed.push(new Headers(init?.headers).get("content-encoding"));
      return aws.system.fetch(input, init);
    },
  });
  /** @type {string[]} */
  const spans = [];
  const span = {
    end() {},
    setAttribute: () => span,
    setStatus: () => span,
    spanContext: () => ({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 }),
  };
  const tracer = /** @type {any} */ ({
    startSpan: (/** @type {string} */ name) => (spans.push(name), span),
  });
  const { onEvent, around, close } = otelListener({ tracer });
  await smoke(library, {
    streamName: "smoke",
    count: 1,
    system: aws.system,
    around,
    onEvent(event) {
      metrics.listener(event);
      onEvent(event);
    },
  });
  close();
  await metrics.close();
  const records = aws.metrics("smoke-smoke").filter(({ metricName }) => metricName === "RecordsProcessed")
    .reduce((all, { sum }) => all + sum, 0);
  const encoding = typeof CompressionStream === "undefined" ? null : "gzip";
  if (records !== 1 || !packed.includes(encoding)) {
    throw new Error(`CloudWatch got ${records} records processed, packed as ${packed}`);
  }
  if (!spans.includes("process smoke")) throw new Error(`OpenTelemetry got ${spans}`);
}

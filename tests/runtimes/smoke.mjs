// @ts-check
/**
 * A small worker in plain JavaScript, the same for every runtime: reads `count` records, checkpoints, stops.
 *
 * @module
 */

/**
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {{ kinesisEndpoint?: string, dynamoDBEndpoint?: string, streamName: string, count: number, system?: import("../../mod.ts").System }} options
 * @returns {Promise<string[]>} The payloads, in order of arrival.
 */
export async function smoke({ KinesisWorker }, { streamName, count, ...options }) {
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
    processor: () => ({
      async processRecords({ records }, context) {
        for (const record of records) texts.push(new TextDecoder().decode(record.data));
        await context.checkpoint();
        if (texts.length >= count) stop.abort();
      },
      async shardEnded(context) {
        await context.checkpoint();
      },
    }),
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

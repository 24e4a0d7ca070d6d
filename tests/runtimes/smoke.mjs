// @ts-check
/**
 * A small worker in plain JavaScript, the same for every runtime: reads `count` records, checkpoints, stops.
 *
 * @module
 */

/**
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {{ kinesisEndpoint: string, dynamoDBEndpoint: string, streamName: string, count: number }} options
 * @returns {Promise<string[]>} The payloads, in order of arrival.
 */
export async function smoke({ KinesisWorker }, { kinesisEndpoint, dynamoDBEndpoint, streamName, count }) {
  /** @type {string[]} */
  const texts = [];
  const stop = new AbortController();
  const timeLimit = setTimeout(() => stop.abort(), 15_000);
  const worker = new KinesisWorker({
    applicationName: `smoke-${streamName}`,
    streamName,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    kinesisEndpoint,
    dynamoDBEndpoint,
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
  });
  try {
    await worker.run(stop.signal);
  } finally {
    clearTimeout(timeLimit);
  }
  return texts;
}

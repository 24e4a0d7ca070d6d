// @ts-check
/**
 * A Worker as users write it: a Durable Object that consumes by alarms, a cron trigger that consumes, and an HTTP trigger. Each is an
 * application of its own, and each has another lease mode. Records go to a recorder (`recorder.ts`) by HTTP.
 *
 * @module
 */

import {
  cloudflareDurableObject,
  cloudflareRearm,
  cloudflareScheduled,
  EdgeWorker,
  fetchHandler,
} from "@kclite/kclite/edge";

/**
 * @typedef {object} Env
 * @property {string} AWS Where the emulator is.
 * @property {string} RECORDER Where records go.
 * @property {string} SECRET What the HTTP trigger asks for.
 * @property {any} CONSUMER The binding of the object.
 */

/**
 * @param {Env} env
 * @param {string} applicationName
 * @param {string} workerIdentifier
 * @param {"hold" | "relay" | "solo"} leases
 */
function workerOf(env, applicationName, workerIdentifier, leases) {
  const worker = new EdgeWorker({
    applicationName,
    workerIdentifier,
    leases,
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    kinesisEndpoint: env.AWS,
    dynamoDBEndpoint: env.AWS,
    initialPositionInStream: "TRIM_HORIZON",
    failoverTimeMs: 30_000,
    onProcessError: "retry",
    processor: (shardId) => ({
      async processRecords({ records }, context) {
        const texts = records.map(({ data }) => new TextDecoder().decode(data));
        await fetch(env.RECORDER, {
          method: "POST",
          body: JSON.stringify({ applicationName, shardId, texts }),
        });
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  return {
    /** @param {import("../../../src/edge/mod.ts").SliceOptions} options */
    async runSlice(options) {
      const result = await worker.runSlice(options);
      const failures = result.failures.map(({ step, text }) => `${step}: ${text}`);
      await fetch(env.RECORDER, {
        method: "POST",
        body: JSON.stringify({ applicationName, slice: { ...result, failures } }),
      });
      return result;
    },
  };
}

/** Little, so that the lock of a slice that was killed expires soon. */
const SLICE = { budgetMs: 8000, reserveMs: 1000 };

export const Consumer = cloudflareDurableObject(
  (/** @type {Env} */ env, id) => workerOf(env, "object", id, "hold"),
  SLICE,
);

const rearm = cloudflareRearm((/** @type {Env} */ env) => env.CONSUMER, ["consumer-0"]);
const consume = cloudflareScheduled(
  (/** @type {Env} */ env) => workerOf(env, "cron", "cron-0", "relay"),
  SLICE,
);

export default {
  /** @param {{ readonly cron: string }} controller @param {Env} env */
  async scheduled(controller, env) {
    try {
      await (controller.cron === "rearm" ? rearm : consume)(controller, env);
    } catch (error) {
      console.error("scheduled failed", error instanceof Error ? error.stack : error); // which `proof.ts` looks for
      throw error;
    }
  },

  /** A worker for each request, so that the lock alone keeps two of them apart. @param {Request} request @param {Env} env */
  async fetch(request, env) {
    const worker = workerOf(env, "http", "http-0", "solo");
    return await fetchHandler(worker, { secret: env.SECRET, slice: SLICE })(request);
  },
};

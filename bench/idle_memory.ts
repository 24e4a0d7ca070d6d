/**
 * What a worker takes that holds many shards without records: resident memory of a process with nothing but the worker, on the
 * emulator of this package in another process.
 *
 * ```sh
 * deno task bench:idle-memory [--shards 200] [--seconds 60] [--smoke]
 * ```
 *
 * Ends with one line of JSON: the memory at the end, and the most that there was, in MiB. Reads Linux's `/proc`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { realClock } from "../src/system.ts";
import { simulatedAws } from "../src/testing/mod.ts";
import { testCredentials } from "../tests/support/test_stream.ts";

const { values } = parseArgs({
  options: {
    shards: { type: "string", default: "200" },
    seconds: { type: "string", default: "60" },
    smoke: { type: "boolean", default: false },
  },
});
const shards = Number(values.shards), seconds = values.smoke ? 1 : Number(values.seconds);
const WORKER = new URL("failover_worker.ts", import.meta.url).pathname;

const aws = simulatedAws({ streams: { idle: shards } });
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, aws.fetch);
const url = `http://127.0.0.1:${server.addr.port}`;
const options = {
  applicationName: "idle-app",
  streamName: "idle",
  region: "us-east-1",
  credentials: testCredentials,
  kinesisEndpoint: url,
  dynamoDBEndpoint: url,
};
const args = ["run", "-A", WORKER, JSON.stringify(options)];
const child = new Deno.Command(Deno.execPath(), { args, stdout: "null" }).spawn();
try {
  await realClock.sleep(seconds * 1000);
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
  console.log(JSON.stringify({ shards, rssMiB: mibOf(status, "VmRSS"), peakRssMiB: mibOf(status, "VmHWM") }));
} finally {
  child.kill("SIGKILL");
  await child.status;
  aws.close();
  await server.shutdown();
}

function mibOf(status: string, name: string): number {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  return Math.round(Number(kib) / 1024);
}

/**
 * What a worker takes that holds many shards without records: resident memory of a process with nothing but the worker, on the
 * emulator of this package in another process.
 *
 * ```sh
 * deno task bench:idle-memory [--shards 200] [--seconds 60] [--v8-flags=--max-semi-space-size=4] [--smoke]
 * ```
 *
 * Ends with one line of JSON: the memory at the end, and the most that there was, in MiB; CPU seconds; and, for 200 shards, the
 * target and how far it is. Reads Linux's `/proc`.
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
    "v8-flags": { type: "string" },
    smoke: { type: "boolean", default: false },
  },
});
const shards = Number(values.shards), seconds = values.smoke ? 1 : Number(values.seconds);
/** With 200 shards, in MiB. */
const TARGET_SHARDS = 200, TARGET_MIB = 150;
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
const v8Flags = values["v8-flags"] === undefined ? [] : [`--v8-flags=${values["v8-flags"]}`];
const args = ["run", "-A", ...v8Flags, WORKER, JSON.stringify(options)];
const child = new Deno.Command(Deno.execPath(), { args, stdout: "null" }).spawn();
try {
  await realClock.sleep(seconds * 1000);
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
  const rssMiB = mibOf(status, "VmRSS"), peakRssMiB = mibOf(status, "VmHWM");
  const judged = shards === TARGET_SHARDS && !values.smoke
    ? { targetMiB: TARGET_MIB, distance: distanceOf(rssMiB, TARGET_MIB) }
    : {};
  const cpuS = cpuSeconds(await Deno.readTextFile(`/proc/${child.pid}/stat`));
  console.log(JSON.stringify({ shards, seconds, rssMiB, peakRssMiB, cpuS, ...judged }));
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

function distanceOf(found: number, target: number): string {
  return found <= target ? "met" : `${(found / target).toFixed(2)} times the target`;
}

/** User and system time, in ticks of 10 ms behind the name in parentheses: fields 14 and 15. */
function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

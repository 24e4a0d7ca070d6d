/**
 * The DynamoDBs that the interop run stands on: our emulator, whose rules are written from AWS's documentation, and moto, which
 * other people wrote.
 *
 * @module
 */

import { type MetricDatum, simulatedAws } from "../../../src/testing/mod.ts";
import { makeVenv } from "../python_venv.ts";
import { answers, eventually, freePort, RunningProgram } from "./processes.ts";

/** A DynamoDB that runs until it is disposed. */
export interface RunningDynamoDB extends AsyncDisposable {
  /** As the report shows it, with its version. */
  readonly name: string;
  /** Without a slash at the end. */
  readonly url: string;
  /** What was put into CloudWatch at the same address. Undefined where nobody answers PutMetricData there. */
  readonly metrics?: (namespace: string) => readonly MetricDatum[];
}

/** The version that PyPI is asked for. */
export const MOTO_VERSION = "5.2.5";

/**
 * Starts moto's server with one thread. It has many by default, and no locks: then a scan shows items of which an update has
 * made only a part.
 */
const ONE_AT_A_TIME = `
from moto import server
run_simple = server.run_simple
server.run_simple = lambda *args, **options: run_simple(*args, **{**options, "threaded": False})
server.main()
`;

/** Our emulator, in this process. */
export function startEmulator(): RunningDynamoDB {
  const aws = simulatedAws();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, aws.fetch);
  return {
    name: "kclite's own emulator",
    url: `http://127.0.0.1:${server.addr.port}`,
    metrics: (namespace) => aws.metrics(namespace),
    async [Symbol.asyncDispose]() {
      aws.close();
      await server.shutdown();
    },
  };
}

/**
 * moto's server, installed in a folder of its own.
 *
 * @returns The reason, as a text, when this machine cannot have it.
 */
export async function startMoto(): Promise<RunningDynamoDB | string> {
  const venv = await makeVenv([`moto[dynamodb,server]==${MOTO_VERSION}`]);
  if (typeof venv === "string") return venv;
  const port = freePort();
  const program = new RunningProgram(venv.python, ["-c", ONE_AT_A_TIME, "-H", "127.0.0.1", "-p", `${port}`], {
    // Any keys and any region will do.
    env: { MOTO_ACCOUNT_ID: "000000000000" },
  });
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    await program.end("SIGKILL");
    await venv[Symbol.asyncDispose]();
  };
  try {
    await eventually("moto answers", () => answers(`${url}/moto-api/data.json`), { limitMs: 60_000 });
  } catch (error) {
    await close();
    throw error;
  }
  return { name: `moto ${MOTO_VERSION}`, url, [Symbol.asyncDispose]: close };
}

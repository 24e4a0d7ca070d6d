/**
 * A Lambda function in Python runs unchanged, on a runtime API of kclite's, by a properties file. Here on an emulator:
 *
 * ```sh
 * deno run -A examples/lambda_bootstrap_python/main.ts
 * ```
 *
 * On AWS no TypeScript is needed: `deno run -A cli.ts examples/lambda_bootstrap_python/app.properties`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { main as runCommandLine } from "@kclite/kclite/cli";
import { simulatedAws } from "@kclite/kclite/testing";

/** Keys for the emulator, which takes any. */
const KEYS: Readonly<Record<string, string>> = { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" };

/** Has the function count three words, and ends. @returns the exit code of the command line. */
export async function main(
  { print = console.log }: { print?: (line: string) => void } = {},
): Promise<number> {
  const aws = simulatedAws({ streams: { words: 1 } });
  for (const word of ["to", "be", "to"]) aws.stream("words").put(word);

  const stop = new AbortController();
  let processed = 0;
  return await runCommandLine([fileURLToPath(new URL("app.properties", import.meta.url))], {
    out: print,
    err: print, // the log
    childStderr: print, // what the program prints, where the log does not have it
    env: (name) => KEYS[name],
    envNames: Object.keys(KEYS),
    signal: stop.signal,
    options: {
      system: aws.system,
      onEvent(event) {
        if (event.type === "batchProcessed") processed += event.records;
        if (processed === 3) stop.abort();
      },
    },
  });
}

if (import.meta.main) Deno.exitCode = await main();

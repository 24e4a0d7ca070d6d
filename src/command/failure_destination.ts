/**
 * Makes the sink that `onFailureDestination` names, on what this process has: files, and AWS's own settings
 * for endpoints.
 *
 * @module
 */

import { configuredEndpoint } from "../aws/configured_endpoint.ts";
import { parseArn } from "../aws/resource_arn.ts";
import { whyNoFile } from "../host/line_file.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { ProgramConfiguration } from "./configuration.ts";

/**
 * The option `errors` with a sink in it, if a destination is set. The sinks are loaded only then.
 *
 * @throws {TypeError} when the text names no sink, or a setting of its endpoint cannot be read.
 */
export async function errorsWithDestination(
  { settings, options, places, endpointSettings }: ProgramConfiguration,
): Promise<Pick<WorkerOptions, "errors">> {
  const { onFailureDestination: destination } = settings;
  if (destination === undefined) return {};
  const { deadLetter } = await import("../failures/dead_letter.ts");
  const { fileSink } = await import("../failures/file/mod.ts");
  const { sinkOf } = await import("../failures/letters/sink_of.ts");
  const { region: ofWorker = "us-east-1", errors = {} } = options;
  const arn = parseArn(destination.trim());
  const service = SERVICES.find((name) => name === arn?.service);
  // Those of Kinesis and DynamoDB are among the worker's options.
  const endpoint = service === undefined
    ? undefined
    : configuredEndpoint(service, arn?.region || ofWorker, endpointSettings)?.url;
  try {
    if (arn === undefined) await refuseHopeless(destination.trim());
    return {
      errors: { ...errors, onExhausted: deadLetter(sinkOf(destination, { file: fileSink, endpoint })) },
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(
      `Cannot read ${places.get("onFailureDestination") ?? "onFailureDestination"}: ${error.message}`,
    );
  }
}

const SERVICES = ["sqs", "sns", "s3"] as const;

/** What can be known at the start should not wait for the first record that fails, maybe weeks later. */
async function refuseHopeless(path: string): Promise<void> {
  const why = await whyNoFile(path);
  if (why !== undefined) throw new TypeError(`Cannot use ${JSON.stringify(path)} for dead letters: ${why}`);
}

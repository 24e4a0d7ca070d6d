/**
 * Credentials as the user of a worker gives them: keys, or a function. A function is called once for all of
 * the worker's clients, and again in time, whether or not it caches anything itself.
 *
 * @module
 */

import { AwsServiceError, CredentialsError, isNotPermitted } from "../../errors.ts";
import { foreignReason } from "../../foreign_reason.ts";
import {
  checkedProvider,
  type Credentials,
  type CredentialsProvider,
  type GivenCredentials,
  guardedCredentials,
} from "../credentials.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";

/**
 * A provider of what was given. If it has `invalidate`, it caches its credentials itself, and is called each
 * time.
 *
 * @param source Names it in messages, e.g. `the option credentials`.
 * @throws {CredentialsError} when keys were given that cannot be keys.
 */
export function keptCredentials(
  given: GivenCredentials,
  source: string,
  options: CachingOptions,
): CredentialsProvider {
  if (typeof given !== "function" || "invalidate" in given) return checkedProvider(given, source);
  return cachedCredentials({
    name: source,
    rule: "given",
    load: (signal) => load(given, source, signal),
  }, options);
}

async function load(
  given: Exclude<GivenCredentials, Credentials>,
  source: string,
  signal: AbortSignal,
): Promise<Credentials> {
  let credentials: Credentials;
  try {
    credentials = await given(signal);
  } catch (error) {
    if (signal.aborted || error instanceof CredentialsError || error instanceof AwsServiceError) throw error;
    // Without the cause: AWS's SDK puts the output of a process into it.
    throw new CredentialsError(`Cannot get credentials from ${source}: ${foreignReason(error)}`, {
      reason: isNotPermitted(error) ? "refused" : "notAnswering",
    });
  }
  return guardedCredentials(credentials, source);
}

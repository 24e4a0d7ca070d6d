/**
 * The region of the EC2 instance that we run on.
 *
 * Source: AWS SDK for Java 2, `InstanceProfileRegionProvider`.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import type { Lookup } from "../credentials.ts";
import { directSystem, statusReason } from "./http.ts";
import { MetadataService } from "./instance_metadata.ts";

/** What {@linkcode instanceRegion} takes from the machine. */
export interface InstanceRegionOptions {
  readonly system: System;
  /** The variables `AWS_EC2_METADATA_…` are looked up here. */
  readonly env: Lookup;
  /** A `fetch` that uses no proxy. @default the system's */
  readonly directFetch?: System["fetch"] | undefined;
}

/** How many times to try a service that exists and does not answer. Ours. */
const ATTEMPTS = 5;
/** Between these attempts, in ms. */
const PAUSE_MS = 1000;

/**
 * Requests the region from the metadata service. Undefined if within two seconds nothing that looks like a
 * region is answered, as everywhere but on EC2. A service that answers with a fault of its own is tried
 * again.
 */
export async function instanceRegion(
  options: InstanceRegionOptions,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const service = new MetadataService(directSystem(options), options.env);
  for (let attempt = 1;; attempt++) {
    const answer = await askOnce(service, signal);
    if (answer !== "notAnswering") return answer?.region;
    if (attempt === ATTEMPTS) return undefined;
    await options.system.clock.sleep(PAUSE_MS, signal);
  }
}

async function askOnce(
  service: MetadataService,
  signal: AbortSignal | undefined,
): Promise<{ readonly region: string } | "notAnswering" | undefined> {
  try {
    const { status, body } = await service.get("latest/meta-data/placement/region", signal);
    if (status !== 200) return statusReason(status) === "notAnswering" ? "notAnswering" : undefined;
    const region = new TextDecoder().decode(body).trim();
    return /^[a-z0-9-]{1,40}$/.test(region) ? { region } : undefined;
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    return error.reason === "notAnswering" ? "notAnswering" : undefined;
  }
}

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
import { directSystem } from "./http.ts";
import { MetadataService } from "./instance_metadata.ts";

/** What {@linkcode instanceRegion} takes from the machine. */
export interface InstanceRegionOptions {
  readonly system: System;
  /** The variables `AWS_EC2_METADATA_…` are looked up here. */
  readonly env: Lookup;
  /** A `fetch` that uses no proxy. @default the system's */
  readonly directFetch?: System["fetch"] | undefined;
}

/**
 * Asks the metadata service. Undefined where nothing that looks like a region is answered within two seconds, as
 * everywhere but on EC2.
 */
export async function instanceRegion(
  options: InstanceRegionOptions,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const service = new MetadataService(directSystem(options), options.env);
    const answer = await service.get("latest/meta-data/placement/region", signal);
    const region = new TextDecoder().decode(answer.body).trim();
    return answer.status === 200 && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
  } catch (error) {
    if (error instanceof CredentialsError) return undefined;
    throw error;
  }
}

/**
 * Credentials of the role of an EC2 instance, from its metadata service (IMDSv2, and IMDSv1 if there is no
 * IMDSv2).
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";
import type { Credentials, CredentialsProvider, Lookup } from "../credentials.ts";
import { directSystem, readCredentialsJson, statusReason } from "./http.ts";
import { METADATA_HINT, METADATA_SERVICE, MetadataService } from "./instance_metadata.ts";

/** Options of {@linkcode instanceCredentials}. */
export interface InstanceOptions extends CachingOptions {
  /** The variables `AWS_EC2_METADATA_…` are looked up here. */
  readonly env: Lookup;
  /** A `fetch` that uses no proxy. @default the system's */
  readonly directFetch?: System["fetch"] | undefined;
}

const ROLES_PATH = "latest/meta-data/iam/security-credentials/";

/** Requests credentials from the metadata service of the instance that we run on. */
export function instanceCredentials(options: InstanceOptions): CredentialsProvider {
  const service = new MetadataService(directSystem(options), options.env);
  return cachedCredentials({
    name: "instance metadata",
    rule: "instance",
    load: (signal) => roleCredentials(service, signal),
  }, options);
}

async function roleCredentials(service: MetadataService, signal: AbortSignal): Promise<Credentials> {
  const roles = await service.get(ROLES_PATH, signal);
  if (roles.status === 401) {
    throw new CredentialsError(`${METADATA_SERVICE} insists on a token, but gave none (${METADATA_HINT})`, {
      reason: "refused",
    });
  }
  if (roles.status === 404) throw noRole();
  if (roles.status !== 200) {
    throw new CredentialsError(`${METADATA_SERVICE} answered HTTP ${roles.status} for the role's name`, {
      // 403: the service is switched off for this instance.
      reason: roles.status === 403 ? "notConfigured" : statusReason(roles.status),
    });
  }
  const role = new TextDecoder().decode(roles.body).split("\n")[0]?.trim() ?? "";
  if (role === "") throw noRole();
  return readCredentialsJson(
    await service.get(ROLES_PATH + encodeURIComponent(role), signal),
    METADATA_SERVICE,
  );
}

function noRole(): CredentialsError {
  return new CredentialsError("the instance has no role", { reason: "notConfigured" });
}

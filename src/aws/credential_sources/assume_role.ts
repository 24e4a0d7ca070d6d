/**
 * Credentials for a role, requested with other credentials: `StsAssumeRoleCredentialsProvider` of a
 * properties file.
 *
 * @module
 */

import { cachedCredentials, type CachingOptions } from "./cached.ts";
import { CredentialsError } from "../../errors.ts";
import type { Credentials, CredentialsProvider } from "../credentials.ts";
import { RequestSigner } from "../request_signer.ts";
import { settledStsAddress, stsAddress, stsCredentials, type StsPlace } from "./sts.ts";

/** Options of {@linkcode assumeRoleCredentials}. */
export interface AssumeRoleOptions extends CachingOptions, StsPlace {
  /** Signs the request for the role. */
  readonly base: CredentialsProvider;
  readonly roleArn: string;
  /** Shows in CloudTrail; 2 to 64 of letters, digits and `=,.@-_`. */
  readonly roleSessionName: string;
  /** A text that the role's owner requires. */
  readonly externalId?: string | undefined;
}

/**
 * AssumeRole. The role's own session length is STS's default of one hour.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function assumeRoleCredentials(options: AssumeRoleOptions): CredentialsProvider {
  const { system, externalId } = options;
  const { region } = stsAddress(options.region, options.endpoint); // refused here, not at the first request
  const signer = new RequestSigner({ service: "sts", region, clock: system.clock });
  return cachedCredentials({
    name: "assumed role",
    rule: "role",
    async load(signal) {
      const credentials = await baseOf(options, signal);
      return await stsCredentials(system, {
        operation: "AssumeRole",
        url: (await settledStsAddress(options)).url,
        parameters: {
          RoleArn: options.roleArn,
          RoleSessionName: options.roleSessionName,
          ...(externalId === undefined ? {} : { ExternalId: externalId }),
        },
        signed: { signer, credentials },
        secrets: [credentials.secretAccessKey, credentials.sessionToken, externalId],
      }, signal);
    },
  }, options);
}

/** The role is set up: if the credentials for the request are missing, a chain must not continue. */
async function baseOf({ base }: AssumeRoleOptions, signal: AbortSignal): Promise<Credentials> {
  try {
    return await base(signal);
  } catch (error) {
    if (!(error instanceof CredentialsError) || error.reason !== "notConfigured") throw error;
    const { message, cause } = error;
    throw new CredentialsError(message, { cause, reason: "refused" });
  }
}

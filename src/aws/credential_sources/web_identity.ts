/**
 * Credentials for a role, against a token that a platform keeps in a file: EKS's IAM roles for service accounts, CI systems.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";
import type { Credentials, CredentialsProvider, Lookup } from "../credentials.ts";
import { readToken } from "./token_file.ts";
import { stsAddress, stsCredentials } from "./sts.ts";

/** Options of {@linkcode webIdentityCredentials}. */
export interface WebIdentityOptions extends CachingOptions {
  /** `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`, `AWS_ROLE_SESSION_NAME` and `AWS_ENDPOINT_URL_STS` are looked up here. */
  readonly env: Lookup;
  /** Read anew for every refresh, since the platform replaces the token. */
  readonly readTextFile: (path: string) => Promise<string>;
  /** Undefined asks the global STS. */
  readonly region: string | undefined;
}

/** AssumeRoleWithWebIdentity, with the role and the token's file from the environment. */
export function webIdentityCredentials(options: WebIdentityOptions): CredentialsProvider {
  return cachedCredentials({
    name: "web identity",
    rule: "role",
    load: (signal) => load(options, signal),
  }, options);
}

async function load(options: WebIdentityOptions, signal: AbortSignal): Promise<Credentials> {
  const { env, system } = options;
  const variable = (name: string) => env(name)?.trim() || undefined;
  const tokenFile = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (tokenFile === undefined) {
    throw new CredentialsError("AWS_WEB_IDENTITY_TOKEN_FILE is not set", { reason: "notConfigured" });
  }
  const roleArn = variable("AWS_ROLE_ARN");
  if (roleArn === undefined) {
    throw new CredentialsError("AWS_ROLE_ARN is not set, but AWS_WEB_IDENTITY_TOKEN_FILE is", {
      reason: "refused",
    });
  }
  const token = await readToken(options.readTextFile, tokenFile);
  const { url } = stsAddress(options.region, variable("AWS_ENDPOINT_URL_STS"));
  return await stsCredentials(system, {
    operation: "AssumeRoleWithWebIdentity",
    url,
    parameters: {
      RoleArn: roleArn,
      RoleSessionName: variable("AWS_ROLE_SESSION_NAME") ?? `kclite-${system.clock.epochMs()}`,
      WebIdentityToken: token,
    },
    signed: undefined,
    secrets: [token],
  }, signal);
}

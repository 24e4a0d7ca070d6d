/**
 * Credentials for a role, against a token of a platform: EKS's IAM roles for service accounts, CI systems,
 * edge runtimes.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import { foreignReason } from "../../foreign_reason.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";
import type { Credentials, CredentialsProvider, Lookup } from "../credentials.ts";
import { readToken } from "./token_file.ts";
import { settledStsAddress, stsCredentials, type StsPlace } from "./sts.ts";

/** Options of {@linkcode webIdentityCredentials}. */
export interface WebIdentityOptions extends CachingOptions, StsPlace {
  /** `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN` and `AWS_ROLE_SESSION_NAME` are looked up here. */
  readonly env: Lookup;
  /** Read again for every refresh, since the platform replaces the token. */
  readonly readTextFile: (path: string) => Promise<string>;
}

/** A role, and a token for requesting it. */
export interface TokenIdentity {
  readonly roleArn: string;
  /** Undefined: a name that begins with `kclite-`. */
  readonly roleSessionName: string | undefined;
  readonly token: string;
}

/** AssumeRoleWithWebIdentity, with the role and the token's file from the environment. */
export function webIdentityCredentials(options: WebIdentityOptions): CredentialsProvider {
  return tokenCredentials(() => identityOf(options), options);
}

/** AssumeRoleWithWebIdentity, with an identity that is read before each refresh. */
export function tokenCredentials(
  identity: (signal: AbortSignal) => Promise<TokenIdentity>,
  options: CachingOptions & StsPlace,
): CredentialsProvider {
  return cachedCredentials({
    name: "web identity",
    rule: "role",
    load: async (signal) => await load(await identity(signal), options, signal),
  }, options);
}

/**
 * The token that a user's function gives.
 *
 * @throws {CredentialsError} when the function fails, or gives no text.
 */
export async function givenToken(give: () => string | Promise<string>): Promise<string> {
  let token: unknown;
  try {
    token = await give();
  } catch (error) {
    if (error instanceof CredentialsError) throw error;
    throw new CredentialsError(`the function that gives the token failed: ${foreignReason(error)}`, {
      reason: "notAnswering",
    });
  }
  if (typeof token === "string" && token.trim() !== "") return token.trim();
  throw new CredentialsError(
    `the function that gives the token gave ${
      typeof token === "string" ? "an empty text" : `a value of type ${typeof token}`
    }: expected a text`,
    { reason: "refused" },
  );
}

async function identityOf({ env, readTextFile }: WebIdentityOptions): Promise<TokenIdentity> {
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
  const token = await readToken(readTextFile, tokenFile);
  return { roleArn, roleSessionName: variable("AWS_ROLE_SESSION_NAME"), token };
}

async function load(
  { roleArn, roleSessionName, token }: TokenIdentity,
  options: CachingOptions & StsPlace,
  signal: AbortSignal,
): Promise<Credentials> {
  const { system } = options;
  const { url } = await settledStsAddress(options);
  return await stsCredentials(system, {
    operation: "AssumeRoleWithWebIdentity",
    url,
    parameters: {
      RoleArn: roleArn,
      RoleSessionName: roleSessionName ?? `kclite-${system.clock.epochMs()}`,
      WebIdentityToken: token,
    },
    signed: undefined,
    secrets: [token],
  }, signal);
}

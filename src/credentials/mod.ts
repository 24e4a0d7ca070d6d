/**
 * The library's sources of credentials: the default chain of AWS's tools, roles, and functions of your own.
 * Also the endpoints, as AWS's standard settings set them.
 *
 * ```ts
 * import { KinesisWorker } from "@kclite/kclite";
 * import { defaultCredentials, endpointsFromEnvironment } from "@kclite/kclite/credentials";
 *
 * const region = "eu-central-1";
 * const worker = new KinesisWorker({
 *   applicationName: "word-count",
 *   streamName: "words",
 *   region,
 *   credentials: defaultCredentials({ region }),
 *   ...await endpointsFromEnvironment({ region }),
 *   processor: () => ({ processRecords() {}, shardEnded: (context) => context.checkpoint() }),
 * });
 * ```
 *
 * Nothing is loaded from Node.js before it is used, so that a bundle for an edge runtime may hold this too.
 * There only {@linkcode webIdentityCredentials}, {@linkcode assumeRoleCredentials} with a `base`, and
 * {@linkcode cachedCredentials} are of use.
 *
 * @module
 */

import { assumeRoleCredentials as roleOf } from "../aws/credential_sources/assume_role.ts";
import { defaultCredentials as chainOf } from "../aws/credential_sources/chain.ts";
import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { StsEndpoint } from "../aws/credential_sources/sts.ts";
import { givenToken, tokenCredentials } from "../aws/credential_sources/web_identity.ts";
import {
  type ConfigurableService,
  configuredEndpoint,
  type EndpointSettings,
  type WorkerEndpoints,
  workerEndpoints,
} from "../aws/configured_endpoint.ts";
import type { CredentialsProvider, GivenCredentials, Lookup } from "../aws/credentials.ts";
import type { WorkerEventListener } from "../events.ts";
import { directFetch } from "../host/direct_fetch.ts";
import { variable } from "../host/environment_variables.ts";
import { profileLoader } from "../host/profile_credentials.ts";
import { profileSettings } from "../host/profile_settings.ts";
import { readTextFile } from "../host/text_file.ts";
import { realSystem, type System, withFetch } from "../system.ts";

export type { Credentials, CredentialsProvider, GivenCredentials, Lookup } from "../aws/credentials.ts";
export type { ConfigurableService, WorkerEndpoints } from "../aws/configured_endpoint.ts";
export { CredentialsError } from "../errors.ts";
export type { CredentialsErrorOptions, CredentialsFailure } from "../errors.ts";

/** What every source here takes. */
export interface SourceOptions {
  /**
   * Region of STS.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the global STS
   */
  readonly region?: string | undefined;
  /** Looks up environment variables. @default those of the process */
  readonly env?: Lookup | undefined;
  /** Receives the events about refreshes. */
  readonly onEvent?: WorkerEventListener | undefined;
  /**
   * Sends the requests to AWS, in place of the runtime's `fetch`: through a proxy, for example.
   *
   * @default the `fetch` of `system`
   */
  readonly fetch?: System["fetch"] | undefined;
  /** Time, chance and fetch, for tests. */
  readonly system?: System | undefined;
}

/** Options of {@linkcode assumeRoleCredentials}. */
export interface RoleOptions extends SourceOptions {
  /** The ARN of the role. */
  readonly roleArn: string;
  /**
   * Shows in CloudTrail; 2 to 64 of letters, digits and `=,.@-_`. @default a name that begins with `kclite-`
   */
  readonly roleSessionName?: string | undefined;
  /** A text that the role's owner requires. */
  readonly externalId?: string | undefined;
  /** What the question for the role is signed with. @default {@linkcode defaultCredentials} */
  readonly base?: GivenCredentials | undefined;
  /** Base URL of STS. @default what AWS's standard settings say, else the region's */
  readonly endpoint?: string | undefined;
}

/** Options of {@linkcode webIdentityCredentials}. */
export interface IdentityOptions extends SourceOptions {
  /** The ARN of the role. */
  readonly roleArn: string;
  /** Gives the platform's token; called before each refresh. */
  readonly token: () => string | Promise<string>;
  /**
   * Shows in CloudTrail; 2 to 64 of letters, digits and `=,.@-_`. @default a name that begins with `kclite-`
   */
  readonly roleSessionName?: string | undefined;
  /** Base URL of STS. @default what AWS's standard settings say, else the region's */
  readonly endpoint?: string | undefined;
}

/** Options of {@linkcode endpointsFromEnvironment}. */
export interface EndpointOptions {
  /** The worker's. */
  readonly region: string;
  /** The lease table's. @default the same */
  readonly dynamoDBRegion?: string | undefined;
  /** Looks up environment variables. @default those of the process */
  readonly env?: Lookup | undefined;
}

/**
 * The default chain, in AWS's order: environment, web identity, profile files, container, instance metadata.
 * The first that is set up is used; if it fails, no other is tried.
 *
 * Profile files are read by AWS's own package, `@aws-sdk/credential-providers`, which is loaded only when
 * there is such a file. The agent of a container and the metadata service are reached past every proxy.
 */
export function defaultCredentials(options: SourceOptions = {}): CredentialsProvider {
  const { env, region, system, onEvent } = settled(options);
  const load = profileLoader({
    region,
    credentialsFile: env("AWS_SHARED_CREDENTIALS_FILE"),
    configFile: env("AWS_CONFIG_FILE"),
    profile: env("AWS_PROFILE")?.trim() || undefined,
  });
  return chainOf({
    system,
    onEvent,
    env,
    region,
    readTextFile,
    directFetch: options.system?.fetch ?? directFetch,
    stsEndpoint: stsEndpoint(env),
    profile: load,
  });
}

/**
 * Credentials of a role, kept until shortly before they expire.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function assumeRoleCredentials(options: RoleOptions): CredentialsProvider {
  const { env, region, system, onEvent } = settled(options);
  return roleOf({
    system,
    onEvent,
    base: options.base === undefined
      ? defaultCredentials(options)
      : keptCredentials(options.base, "the option base", { system, onEvent }),
    roleArn: options.roleArn,
    roleSessionName: options.roleSessionName ?? `kclite-${system.clock.epochMs()}`,
    externalId: options.externalId,
    region,
    endpoint: options.endpoint,
    stsEndpoint: stsEndpoint(env),
  });
}

/**
 * Credentials of a role, against a token of the platform: of an edge runtime, a CI system, an identity
 * provider. Needs nothing but `fetch`. The token's file on EKS is read by {@linkcode defaultCredentials}.
 */
export function webIdentityCredentials(options: IdentityOptions): CredentialsProvider {
  const { env, region, system, onEvent } = settled(options);
  const { roleArn, roleSessionName, token, endpoint } = options;
  return tokenCredentials(
    async () => ({ roleArn, roleSessionName, token: await givenToken(token) }),
    { system, onEvent, region, endpoint, stsEndpoint: stsEndpoint(env) },
  );
}

/**
 * Keeps what a function gives until shortly before it expires, and calls it once for all waiting callers. A
 * worker does so with its own credentials; this is for a function that several workers share.
 *
 * @throws {CredentialsError} when keys were given that cannot be keys.
 */
export function cachedCredentials(
  given: GivenCredentials,
  options: Pick<SourceOptions, "system" | "onEvent"> = {},
): CredentialsProvider {
  const { system = realSystem, onEvent } = options;
  return keptCredentials(given, "the function that gives credentials", { system, onEvent });
}

/**
 * The endpoints that AWS's standard settings name, as options of a worker; none if the settings name none.
 * Put them before your own endpoints, so that yours have precedence.
 *
 * The first of these counts: `AWS_ENDPOINT_URL_KINESIS` and `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`,
 * `endpoint_url` in the profile's `services` section, the profile's `endpoint_url`.
 * `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` switches them off. `AWS_USE_FIPS_ENDPOINT` and
 * `AWS_USE_DUALSTACK_ENDPOINT` choose among the region's public endpoints. `AWS_CBOR_DISABLE=true` and
 * `CBOR_ENABLED=false` set `wireFormat` to `json`.
 *
 * @throws {TypeError} when a setting cannot be read, or two of them exclude each other.
 */
export async function endpointsFromEnvironment(options: EndpointOptions): Promise<WorkerEndpoints> {
  const { region, dynamoDBRegion, env = variable } = options;
  return workerEndpoints({ region, dynamoDBRegion }, await settingsOf(env)).endpoints;
}

/**
 * The endpoint of one service as AWS's standard settings name it, e.g. `AWS_ENDPOINT_URL_SQS`: for the option
 * `endpoint` of a sink for dead letters. See {@linkcode endpointsFromEnvironment} for the order.
 *
 * @returns undefined if the settings name none: the region's usual endpoint.
 * @throws {TypeError} when a setting cannot be read, or two of them exclude each other.
 */
export async function endpointFromEnvironment(
  service: ConfigurableService,
  { region, env = variable }: Pick<EndpointOptions, "region" | "env">,
): Promise<string | undefined> {
  return configuredEndpoint(service, region, await settingsOf(env))?.url;
}

function settled({ env = variable, region, fetch, system: given = realSystem, onEvent }: SourceOptions) {
  const set = (name: string) => env(name)?.trim() || undefined;
  const system = withFetch(given, fetch);
  return { env, system, onEvent, region: region ?? set("AWS_REGION") ?? set("AWS_DEFAULT_REGION") };
}

function stsEndpoint(env: Lookup): StsEndpoint {
  return async (region) => configuredEndpoint("sts", region, await settingsOf(env))?.url;
}

async function settingsOf(env: Lookup): Promise<EndpointSettings> {
  return { env, profile: await profileSettings({ env }) };
}

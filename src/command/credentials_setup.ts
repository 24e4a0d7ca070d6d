/**
 * Sources of credentials as a properties file names them, on what this process has: its environment, files
 * and profiles.
 *
 * @module
 */

import { configuredEndpoint, type EndpointSettings } from "../aws/configured_endpoint.ts";
import type { CredentialsProvider } from "../aws/credentials.ts";
import { credentialsFromSpec } from "../aws/credential_sources/from_spec.ts";
import { parseCredentialsSpec } from "../aws/credential_sources/spec.ts";
import type { WorkerEventListener } from "../events.ts";
import { profileLoader } from "../host/profile_credentials.ts";
import { readTextFile } from "../host/text_file.ts";
import type { ProgramContext } from "./program_context.ts";

/** What the sources of a run share. */
export interface CredentialsSetup {
  /** Of the worker. */
  readonly region: string | undefined;
  readonly endpointSettings: EndpointSettings;
  readonly onEvent: WorkerEventListener;
}

/**
 * Makes a provider of what a property says.
 *
 * @param where The property and its place, for messages.
 * @throws {TypeError} as `parseCredentialsSpec()`.
 */
export function credentialsOfProperty(
  value: string,
  where: string | undefined,
  { command: { systemProperties }, host: { env }, system, directFetch, notices }: ProgramContext,
  { region, endpointSettings, onEvent }: CredentialsSetup,
): CredentialsProvider {
  const spec = parseCredentialsSpec(value, where);
  for (const text of spec.notes) notices.push({ level: "warning", text });
  return credentialsFromSpec(spec, {
    system,
    onEvent,
    env,
    systemProperty: Object.keys(systemProperties).length === 0 ? undefined : (name) => systemProperties[name],
    readTextFile,
    directFetch,
    region,
    stsEndpoint: (region) => configuredEndpoint("sts", region, endpointSettings)?.url,
    profile: profileLoader({
      region,
      credentialsFile: env("AWS_SHARED_CREDENTIALS_FILE"),
      configFile: env("AWS_CONFIG_FILE"),
      profile: env("AWS_PROFILE")?.trim() || undefined,
    }),
  });
}

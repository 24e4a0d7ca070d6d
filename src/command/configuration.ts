/**
 * Reads everything that configures a run: the properties file, the environment, the flags, and AWS's own
 * settings for the region and for endpoints.
 *
 * @module
 */

import { type EndpointSettings, workerEndpoints } from "../aws/configured_endpoint.ts";
import { instanceRegion } from "../aws/credential_sources/instance_region.ts";
import { thisNode, useEnvironmentProxy } from "../host/environment_proxy.ts";
import { readFile } from "../host/files.ts";
import { profileSettings } from "../host/profile_settings.ts";
import type { LogFormat } from "../observe/line_writer.ts";
import type { LogLevel } from "../observe/log_lines.ts";
import { decodeProperties } from "../properties/properties.ts";
import type { Need } from "../properties/property_consistency.ts";
import { type Configuration, configurationOf, withRegion } from "../properties/property_options.ts";
import { environmentEntries, fileEntries } from "../properties/property_source.ts";
import { ownValue } from "../own_value.ts";
import type { ProgramContext } from "./program_context.ts";

/** What configures a run. */
export interface ProgramConfiguration extends Configuration {
  /** AWS's own settings for endpoints. */
  readonly endpointSettings: EndpointSettings;
}

/**
 * Reads the configuration, and adds what is odd about it to the notices.
 *
 * @param onLog Gets level and format of the log, before anything can be refused.
 * @param needs What must be configured. @default {WORKER_NEEDS}
 * @throws {PropertiesError} when a property cannot be read, {@linkcode TypeError} when there is no region.
 */
export async function readConfiguration(
  context: ProgramContext,
  onLog: (level: LogLevel, format: LogFormat) => void,
  needs?: readonly Need[],
): Promise<ProgramConfiguration> {
  const { command, host, notices } = context;
  const { file, entries, warnings } = command;
  const { env, envNames } = host;
  for (const text of warnings) notices.push({ level: "warning", text });
  const ignored = useEnvironmentProxy(env, await thisNode());
  if (ignored !== undefined) notices.push({ level: "warning", text: ignored });
  const fromFile = file === undefined ? [] : fileEntries(decodeProperties(await readFile(file)), file);
  const configuration = configurationOf([fromFile, environmentEntries(env, envNames), entries], needs);
  const { logLevel = "info", logFormat = "text" } = configuration.settings;
  onLog(logLevel, logFormat);
  const endpointSettings: EndpointSettings = { env, profile: await profileSettings({ env }) };
  const region = configuration.options.region ?? await findRegion(context, endpointSettings);
  const complete = withRegion(configuration, region);
  notices.push(...complete.notices);
  if (complete.options.region === undefined && host.options?.kinesis === undefined) {
    throw new TypeError(
      "Cannot start: expected a region: set regionName or --region; there is none in AWS_REGION, AWS_DEFAULT_REGION, the " +
        "profile files, the instance metadata and streamArn either; KCL 1.x took us-east-1",
    );
  }
  // Without a region Kinesis itself is given.
  const { options: { region: known = "us-east-1", ...others } } = complete;
  const { endpoints, notes } = workerEndpoints(
    { ...others, region: known },
    endpointSettings,
    (name) => ownValue(command.systemProperties, name),
  );
  for (const text of notes) notices.push({ level: "info", text });
  return { ...complete, options: { ...complete.options, ...endpoints }, endpointSettings };
}

/** As the AWS SDK finds it; and AWS_DEFAULT_REGION, which only others of its SDKs know. */
async function findRegion(
  { command, host, system, directFetch }: ProgramContext,
  { profile }: EndpointSettings,
): Promise<string | undefined> {
  const { env, signal } = host;
  const set = (value: string | undefined) => value?.trim() || undefined;
  return set(command.systemProperties["aws.region"]) ?? set(env("AWS_REGION")) ??
    profile("region") ?? set(env("AWS_DEFAULT_REGION")) ??
    await instanceRegion({ env, system, directFetch }, signal);
}

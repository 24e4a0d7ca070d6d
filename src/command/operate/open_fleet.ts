/**
 * Opens what a command works on, as the configuration says.
 *
 * @module
 */

import { type KinesisWrites, signedKinesisWrites } from "../../aws/kinesis_writes.ts";
import type { FleetAccess, StreamAccess } from "../../operate/fleet_access.ts";
import { openFleetAccess, openStreamAccess, type StreamAccessOptions } from "../../operate/open_access.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import { credentialsOfProperty } from "../credentials_setup.ts";
import type { ProgramContext } from "../program_context.ts";

/** @throws {TypeError} when no stream can be named, or credentials are set up wrongly. */
export function openStream(configuration: ProgramConfiguration, context: ProgramContext): StreamAccess {
  return openStreamAccess(streamOptions(configuration, context));
}

/** What puts records into the same streams. @throws {TypeError} when credentials are set up wrongly. */
export function openWrites(configuration: ProgramConfiguration, context: ProgramContext): KinesisWrites {
  return signedKinesisWrites({
    credentials: credentialsOf(configuration, context, "credentials"),
    system: context.system,
    region: regionOf(configuration),
    endpoint: configuration.options.kinesisEndpoint,
  });
}

/** @throws {TypeError} when no application is named, or credentials are set up wrongly. */
export function openFleet(configuration: ProgramConfiguration, context: ProgramContext): FleetAccess {
  const { options, settings } = configuration;
  const { applicationName } = options;
  if (applicationName === undefined) throw new TypeError("Cannot start: expected applicationName: got none");
  return openFleetAccess({
    ...streamOptions(configuration, context),
    applicationName,
    tableName: options.tableName,
    failoverTimeMs: options.failoverTimeMs,
    dynamoDBRegion: options.dynamoDBRegion,
    leaseStore: context.host.options?.leaseStore,
    coordinatorStore: context.host.options?.coordinatorStore,
    ...(settings.dynamoDBCredentials === undefined
      ? {}
      : { dynamoDBCredentials: credentialsOf(configuration, context, "dynamoDBCredentials") }),
  });
}

function streamOptions(configuration: ProgramConfiguration, context: ProgramContext): StreamAccessOptions {
  const { streamName, streamArn, streams } = configuration.options;
  const { kinesisEndpoint, dynamoDBEndpoint, dynamoDBStreamsEndpoint } = configuration.options;
  return {
    region: regionOf(configuration),
    credentials: credentialsOf(configuration, context, "credentials"),
    streamName,
    streamArn,
    streams,
    kinesisEndpoint,
    dynamoDBEndpoint,
    dynamoDBStreamsEndpoint,
    kinesis: context.host.options?.kinesis,
    system: context.system,
  };
}

function regionOf({ options }: ProgramConfiguration): string {
  // Without a region Kinesis itself is given, by a test.
  return options.region ?? "us-east-1";
}

function credentialsOf(
  { options, settings, places, endpointSettings }: ProgramConfiguration,
  context: ProgramContext,
  which: "credentials" | "dynamoDBCredentials",
): StreamAccessOptions["credentials"] {
  const spec = settings[which] ?? "DefaultCredentialsProvider";
  const setup = { region: options.region, endpointSettings, onEvent: () => {} };
  return credentialsOfProperty(spec, places.get(which), context, setup);
}

/**
 * Opens what a command works on, as a worker of the same configuration would: the same credentials, regions
 * and endpoints.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import { signedDynamoDB } from "../../aws/dynamodb.ts";
import { signedKinesis, type StreamReference } from "../../aws/kinesis.ts";
import { type KinesisWrites, signedKinesisWrites } from "../../aws/kinesis_writes.ts";
import { DEFAULT_RETRY_POLICY } from "../../aws/retry.ts";
import type { ServiceOptions } from "../../aws/signed_call.ts";
import type { FleetAccess, StreamAccess } from "../../operate/fleet_access.ts";
import { DynamoDBCoordinatorStore } from "../../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../store/dynamodb_lease_store.ts";
import { parseIdentifier } from "../../stream/stream_identifier.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import { credentialsOfProperty } from "../credentials_setup.ts";
import type { ProgramContext } from "../program_context.ts";

/** KCL's default. Source: KCL 3.5.1, `LeaseManagementConfig`. */
const FAILOVER_MS = 10_000;

/** @throws {TypeError} when no stream can be named, or credentials are set up wrongly. */
export function openStream(configuration: ProgramConfiguration, context: ProgramContext): StreamAccess {
  const { options } = configuration;
  const region = regionOf(configuration);
  const service = serviceOptions(configuration, context, "credentials");
  return {
    region,
    kinesis: context.host.options?.kinesis ??
      signedKinesis({
        ...service,
        region,
        endpoint: options.kinesisEndpoint,
        readRetry: DEFAULT_RETRY_POLICY,
      }),
    streams: streamsOf(configuration),
    system: context.system,
  };
}

/** What puts records into the same streams. @throws {TypeError} when credentials are set up wrongly. */
export function openWrites(configuration: ProgramConfiguration, context: ProgramContext): KinesisWrites {
  const service = serviceOptions(configuration, context, "credentials");
  return signedKinesisWrites({
    credentials: service.credentials,
    system: service.system,
    region: regionOf(configuration),
    endpoint: configuration.options.kinesisEndpoint,
  });
}

/** @throws {TypeError} when no application is named, or credentials are set up wrongly. */
export function openFleet(configuration: ProgramConfiguration, context: ProgramContext): FleetAccess {
  const { options, settings } = configuration;
  const { applicationName } = options;
  if (applicationName === undefined) throw new TypeError("Cannot start: expected applicationName: got none");
  const { tableName = applicationName, failoverTimeMs = FAILOVER_MS } = options;
  const source = settings.dynamoDBCredentials === undefined ? "credentials" : "dynamoDBCredentials";
  const dynamodb = signedDynamoDB({
    ...serviceOptions(configuration, context, source),
    region: options.dynamoDBRegion ?? regionOf(configuration),
    endpoint: options.dynamoDBEndpoint,
  });
  const { system } = context;
  return {
    ...openStream(configuration, context),
    applicationName,
    tableName,
    failoverTimeMs,
    dynamodb,
    leaseStore: context.host.options?.leaseStore ??
      new DynamoDBLeaseStore({ tableName, dynamodb, system }),
    coordinatorStore: context.host.options?.coordinatorStore ??
      new DynamoDBCoordinatorStore({ dynamodb, applicationName, tableName }),
  };
}

function regionOf({ options }: ProgramConfiguration): string {
  // Without a region Kinesis itself is given, by a test.
  return options.region ?? "us-east-1";
}

function serviceOptions(
  { options, settings, places, endpointSettings }: ProgramConfiguration,
  context: ProgramContext,
  which: "credentials" | "dynamoDBCredentials",
): Pick<ServiceOptions, "credentials" | "system"> {
  const spec = settings[which] ?? "DefaultCredentialsProvider";
  const setup = { region: options.region, endpointSettings, onEvent: () => {} };
  const credentials = credentialsOfProperty(spec, places.get(which), context, setup);
  return { credentials, system: context.system };
}

function streamsOf({ options: { streamName, streamArn, streams } }: ProgramConfiguration): StreamReference[] {
  if (Array.isArray(streams)) {
    return streams.map((stream) => {
      if (typeof stream === "string") return referenceOf(stream);
      return referenceOf(stream.streamArn ?? stream.streamIdentifier ?? stream.streamName ?? "");
    });
  }
  if (streamArn !== undefined) return [{ streamName: parseStreamArn(streamArn).streamName, streamArn }];
  return streamName === undefined ? [] : [{ streamName, streamArn: undefined }];
}

/** By name, ARN, or `account:stream:epoch`. */
function referenceOf(stream: string): StreamReference {
  if (stream.startsWith("arn:")) {
    return { streamName: parseStreamArn(stream).streamName, streamArn: stream };
  }
  return { streamName: parseIdentifier(stream)?.streamName ?? stream, streamArn: undefined };
}

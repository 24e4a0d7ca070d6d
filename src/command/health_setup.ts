/**
 * Serves the health of a run: its probes, its metrics, and the page of its fleet.
 *
 * @module
 */

import type { FleetOptions } from "../health/mod.ts";
import { serve } from "../host/serve.ts";
import type { Totals } from "../observe/totals.ts";
import type { HealthLimits } from "../observe/verdict.ts";
import type { ProgramConfiguration } from "./configuration.ts";
import type { ProgramContext } from "./program_context.ts";

/** What is shown. */
export interface HealthOfRun {
  readonly totals: Totals;
  readonly limits: HealthLimits;
  /** As the worker has them. */
  readonly credentials: Pick<FleetOptions, "credentials" | "dynamoDBCredentials">;
}

/** Serves, if the configuration names a port. Disposing of it cuts what browsers have open. */
export async function serveHealth(
  configuration: ProgramConfiguration,
  { totals, limits, credentials }: HealthOfRun,
  context: ProgramContext,
): Promise<AsyncDisposable | undefined> {
  const {
    healthPort,
    healthHost,
    healthAllowedHosts,
    healthToken: token,
    healthShardMetrics: shardMetrics,
    healthCatchUpTargetMillis: catchUpTargetMs,
  } = configuration.settings;
  if (healthPort === undefined) return undefined;
  const { fleetOf, healthApp } = await import("../health/mod.ts");
  const fleet = fleetOf(fleetOptions(configuration, credentials, context));
  const app = healthApp(totals, { ...limits, token, fleet, shardMetrics, catchUpTargetMs });
  const server = await serve(app.fetch, {
    port: healthPort,
    hostname: healthHost,
    allowedHosts: healthAllowedHosts,
    setting: "healthPort",
  });
  context.log({ level: "info", text: `Health is served at ${server.url}` });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([server.close(), fleet.close()]);
    },
  };
}

function fleetOptions(
  { options }: ProgramConfiguration,
  { credentials, dynamoDBCredentials }: HealthOfRun["credentials"],
  { host, system }: ProgramContext,
): FleetOptions {
  return {
    applicationName: options.applicationName ?? "",
    tableName: options.tableName,
    streamName: options.streamName,
    streamArn: options.streamArn,
    streams: options.streams,
    // Without a region the stores are given, by a test.
    region: options.region,
    credentials,
    dynamoDBCredentials,
    dynamoDBRegion: options.dynamoDBRegion,
    dynamoDBEndpoint: options.dynamoDBEndpoint,
    failoverTimeMs: options.failoverTimeMs,
    leaseStore: host.options?.leaseStore,
    coordinatorStore: host.options?.coordinatorStore,
    system,
  };
}

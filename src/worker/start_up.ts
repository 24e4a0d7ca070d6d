/**
 * What must exist before a worker may consume: the lease table, a fleet whose format we understand, and the
 * stream.
 *
 * Tried as a whole, several times: a table or a stream may just be being created. Some failures end the start
 * immediately, since no retry mends them. These are: a foreign table, a 2.x fleet, refused rights, an invalid
 * option, no source of credentials. A source of credentials that is set up but does not answer yet is tried
 * again.
 *
 * Source: KCL 3.5.1, `Scheduler.initialize`; the decision on the format is in `lease/table_format.ts`.
 *
 * @module
 */

import { AwsServiceError, CredentialsError, LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { TableFormat } from "../lease/table_format.ts";
import type { System } from "../system.ts";
import { fleetFormat } from "../fleet/fleet_format.ts";
import type { StartingSettings, TableSettings } from "../options/setting_groups.ts";
import type { StreamsSetting } from "../options/stream_settings.ts";
import { sayWhileWaiting } from "../async/still_waiting.ts";
import type { Streams } from "../fleet/streams.ts";

/** What starting up needs. */
export interface StartUpOptions {
  readonly starting: StartingSettings;
  readonly table: Pick<TableSettings, "tableName" | "migrateAllEntitiesToLeaseTable">;
  /** What is to be read, as the options say. */
  readonly wanted: StreamsSetting;
  readonly workerId: string;
  readonly streams: Streams;
  readonly leaseStore: LeaseStore;
  readonly coordinatorStore: CoordinatorStore;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/**
 * Makes everything ready.
 *
 * @returns how this worker is to take part.
 * @throws the last attempt's error when all attempts failed; an error that no retry mends, immediately.
 */
export function startUp(options: StartUpOptions, signal: AbortSignal): Promise<TableFormat> {
  return untilDone(options, (signal) => tryStartUp(options, signal), signal);
}

/**
 * Tries something that belongs to a worker's start as often as the settings say. @throws as
 * {@linkcode startUp}.
 */
export async function untilDone<T>(
  options: Pick<StartUpOptions, "starting" | "system" | "emit">,
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { starting, system, emit } = options;
  const attempts = starting.maxInitializationAttempts;
  for (let attempt = 1;; attempt++) {
    try {
      return await work(signal);
    } catch (error) {
      signal.throwIfAborted();
      const isLast = attempt >= attempts || isHopeless(error);
      const retryInMs = isLast ? undefined : starting.schedulerInitializationBackoffTimeMs;
      emit({ type: "initializationFailed", attempt, attempts, error, retryInMs });
      if (retryInMs === undefined) throw error;
      await system.clock.sleep(retryInMs, signal);
    }
  }
}

async function tryStartUp(options: StartUpOptions, signal: AbortSignal): Promise<TableFormat> {
  const { streams, leaseStore, coordinatorStore, table, wanted, workerId, system } = options;
  const tableText = `lease table "${table.tableName}"`;
  await aloud(options, streamsText(wanted), () => streams.start(signal));
  await aloud(options, `${tableText} to be usable`, () => leaseStore.ensureTable(signal));
  const format = await aloud(
    options,
    `${tableText} to show what fleet it has`,
    () =>
      fleetFormat(
        { table, mode: wanted.mode, workerId, leaseStore, coordinatorStore, system },
        undefined,
        signal,
      ),
  );
  await aloud(options, `the settings of ${tableText}`, () => leaseStore.adoptTable(signal));
  return format;
}

/** Does one step of a start. When that takes long, logs what it waits for. */
export function aloud<T>(
  { system: { clock }, emit }: Pick<StartUpOptions, "system" | "emit">,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const say = (text: string) => emit({ type: "notice", level: "warning", leaseKey: undefined, text });
  return sayWhileWaiting(what, { clock, say }, work);
}

function streamsText(wanted: StreamsSetting): string {
  if (wanted.mode === "one") return `stream "${wanted.stream.streamName}" to be described`;
  return typeof wanted.list === "function"
    ? "the function that lists the streams"
    : "the streams to be described";
}

/** Whether trying again cannot help. */
function isHopeless(error: unknown): boolean {
  if (error instanceof LeaseTableError || error instanceof TypeError || error instanceof RangeError) {
    return true;
  }
  if (error instanceof CredentialsError) return error.reason !== "notAnswering";
  return error instanceof AwsServiceError && !error.retryable && error.code !== "ResourceNotFoundException" &&
    error.code !== "ResourceInUseException";
}

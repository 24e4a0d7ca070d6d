/**
 * A worker that runs in bounded slices, for platforms where no process stays up: Durable Objects, cron
 * triggers, scheduled functions.
 *
 * @module
 */

import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { PolicyEngine } from "../failures/policy_option.ts";
import type { TransactionParts } from "../transact/transactions.ts";
import type { WorkerOptions } from "../options/options.ts";
import { functionThat, required } from "../options/option_checks.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import { settingsWith } from "../options/settings_with.ts";
import { realSystem, withFetch } from "../system.ts";
import { deliveriesBy } from "../worker/deliveries.ts";
import { partsOf } from "../worker/parts.ts";
import { refuseOvertaking, storesTransactions } from "../worker/sole_processing.ts";
import { passingTo, userListeners } from "../worker/user_listeners.ts";
import type { FanOutParts } from "./enhanced_fan_out.ts";
import { Slice } from "./slice.ts";
import type { EdgeOptions, LeasesMode, SliceOptions, SliceResult } from "./slice_options.ts";
import { type SliceHost, sliceStoreOf } from "./slice_parts.ts";
import { limitsLeft, type SliceRule, type SliceSettings, sliceSettings } from "./slice_settings.ts";
import { NEVER_MS } from "./slice_team.ts";

/** What all shards of a slice may hold in memory, in bytes: a quarter of what Workers have. Ours. */
const MAX_BUFFERED_BYTES = 33_554_432;

/** A worker in slices. One instance may run many slices, one after another. */
export class EdgeWorker {
  /** Names this worker in the lease table. With `leases: "solo"` the application's name is part of it. */
  readonly workerIdentifier: string;
  readonly #host: SliceHost;
  readonly #rule: SliceRule;
  /** What the log says at the start of `errors`. */
  readonly #policyRule: ReturnType<PolicyEngine["rule"]> | undefined;
  #isRunning = false;
  #hasToldRule = false;

  /**
   * Checks the options; sends no request.
   *
   * @throws {TypeError} when an option is missing or of the wrong kind, {@linkcode RangeError} when a number
   * is out of range.
   */
  constructor(options: EdgeOptions) {
    const { leases: mode, policy: _policy, fanOut: _fanOut, transactions: _transactions, ...others } =
      options;
    checkMode(mode);
    const needed = neededParts(options);
    required("workerIdentifier", others.workerIdentifier);
    functionThat("makes a RecordProcessor")("processor", others.processor);
    // One name for the application is one lock for all of its slices.
    this.workerIdentifier = mode === "solo" ? `${others.applicationName}-solo` : others.workerIdentifier;
    const given: WorkerOptions = {
      ...others,
      workerIdentifier: this.workerIdentifier,
      maxBufferedBytes: others.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
    };
    const ordinary = settingsWith(given, needed.policy?.settings);
    if (given.kinesis === undefined) refuseTableStreams(ordinary.finding.streams);
    const settings = inSlices(ordinary, mode);
    if (storesTransactions(others.processor)) refuseOvertaking(settings);
    const { idleTimeBetweenReadsMs, maxIdleTimeBetweenReadsMs } = ordinary.reading.pacing;
    const system = withFetch(given.system ?? realSystem, given.fetch);
    const { emit } = passingTo(userListeners(given, system.clock));
    sliceStoreOf(partsOf(given, settings, { system, emit }, needed.fanOut?.signedKinesisConsumers));
    this.#host = {
      workerId: this.workerIdentifier,
      mode,
      processor: others.processor,
      options: withKeptCredentials(given, { system, emit }),
      settings,
      idleMs: [idleTimeBetweenReadsMs, maxIdleTimeBetweenReadsMs],
      system,
      emit,
      // What has failed before is remembered for all slices.
      deliveries: deliveriesBy(needed.policy?.deliveries, settings, this.workerIdentifier),
      fanOut: needed.fanOut,
      transactions: needed.transactions,
      leftLock: undefined,
      kept: new Map(),
    };
    this.#policyRule = needed.policy?.rule(settings);
    const { retrievalMode } = settings.reading;
    this.#rule = { leases: mode, failoverTimeMs: settings.leadership.failoverTimeMs, retrievalMode };
  }

  /**
   * Runs one slice: reads each shard of this worker to its tip, or until a limit is reached. While a slice of
   * this instance runs, another one is `"busy"` without any request.
   *
   * @throws {TypeError} or {@linkcode RangeError} when an option of the slice is wrong, and for nothing else:
   * a platform would repeat the whole call at once.
   */
  async runSlice(options: SliceOptions): Promise<SliceResult> {
    return await this.#run(sliceSettings(options, this.#rule));
  }

  /**
   * Runs slices until nothing is left to read, or the budget is used. What a slice of its own would wait for,
   * such as the children of an ended shard, is waited for here.
   *
   * @returns What the last slice said, with the requests, records and failures of all of them.
   * @throws as {@linkcode runSlice}.
   */
  async runUntilCaughtUp(options: SliceOptions): Promise<SliceResult> {
    const { clock } = this.#host.system;
    const startedMs = clock.monotonicMs();
    const limits = sliceSettings(options, this.#rule);
    let total = await this.#run(limits);
    while (total.outcome === "caughtUp" && total.nextInMs === 0) {
      const records = total.shards.reduce((sum, shard) => sum + shard.records, 0);
      const left = limitsLeft(limits, {
        ms: clock.monotonicMs() - startedMs,
        requests: total.requests,
        records,
      });
      if (typeof left === "string") return { ...total, outcome: left };
      total = together(total, await this.#run(left));
    }
    return total;
  }

  async #run(limits: SliceSettings): Promise<SliceResult> {
    if (this.#isRunning) {
      return { outcome: "busy", nextInMs: BUSY_RETRY_MS, shards: [], requests: 0, failures: [] };
    }
    this.#isRunning = true;
    try {
      this.#tellRule();
      return await new Slice(this.#host, limits).run();
    } finally {
      this.#isRunning = false;
    }
  }

  /** Once for all slices. */
  #tellRule(): void {
    if (this.#hasToldRule) return;
    this.#hasToldRule = true;
    const { settings: { delivery: { onProcessError: rule, isErrorRuleChosen: isChosen } }, emit } =
      this.#host;
    emit({ type: "errorRule", ...(this.#policyRule ?? { rule, isChosen }) });
  }
}

/** When to try again while another slice of the same instance runs, in ms. Ours. */
const BUSY_RETRY_MS = 1000;

function checkMode(mode: LeasesMode): void {
  if (mode === "hold" || mode === "relay" || mode === "solo") return;
  throw new TypeError(
    `Cannot start worker: expected leases to be "hold", "relay" or "solo": got ${JSON.stringify(mode)}`,
  );
}

/**
 * What is handed in, since a bundler would put all into one file that any import names.
 *
 * @throws {TypeError} when an option needs what was not handed in.
 */
function neededParts(options: EdgeOptions): {
  readonly policy: PolicyEngine | undefined;
  readonly fanOut: FanOutParts | undefined;
  readonly transactions: TransactionParts | undefined;
} {
  const byPolicy = (["errors", "batch", "filter", "concurrency"] as const)
    .find((name) => options[name] !== undefined);
  const byFanOut = options.retrievalMode === "FANOUT" ? 'retrievalMode "FANOUT"' : undefined;
  return {
    policy: handedIn<PolicyEngine>(options.policy, "policyDeliveries", "policy", "failures", byPolicy),
    fanOut: handedIn<FanOutParts>(options.fanOut, "enhancedFanOut", "fanOut", "edge", byFanOut),
    transactions: handedIn(options.transactions, "transactions", "transactions", "transact", undefined),
  };
}

/** A worker of slices does not load by itself what reads the streams of tables. */
function refuseTableStreams(wanted: WorkerSettings["finding"]["streams"]): void {
  const named = wanted.mode === "one" ? wanted.stream.streamName : wanted.list;
  // A text, or a list of texts and of objects: the ARN of a table's stream, or its name with "$".
  const isOfTable = typeof named !== "function" && /\$|:dynamodb:/.test(JSON.stringify(named));
  if (!isOfTable) return;
  throw new TypeError(
    "Cannot start worker: expected the option kinesis for the stream of a table: got none: set kinesis: " +
      'tableStreams({ region, credentials }), with import { tableStreams } from "@kclite/kclite/dynamodb-streams"',
  );
}

/** @param neededBy The option that needs it. */
function handedIn<T extends { readonly type: string }>(
  part: Pick<T, "type"> | undefined,
  type: T["type"],
  option: string,
  entry: string,
  neededBy: string | undefined,
): T | undefined {
  if (part === undefined ? neededBy === undefined : part?.type === type) return part as T | undefined;
  const found = part === undefined ? `${neededBy} without it` : `another ${typeof part}`;
  throw new TypeError(
    `Cannot start worker: expected the option ${option}: got ${found}: set ${option}: ${type}, with ` +
      `import { ${type} } from "@kclite/kclite/${entry}"`,
  );
}

/** The settings as slices take them. */
function inSlices(settings: WorkerSettings, mode: LeasesMode): WorkerSettings {
  const { starting, leasing, reading } = settings;
  return {
    ...settings,
    // The next slice is the next attempt.
    starting: { ...starting, maxInitializationAttempts: 1 },
    // No lease of a slice that is alone expires.
    leasing: mode === "solo" ? { ...leasing, failoverTimeMs: NEVER_MS } : leasing,
    // A slice reads each shard to its tip, and rests between slices.
    reading: { ...reading, pacing: { ...reading.pacing, idlePacing: "fixed", idleTimeBetweenReadsMs: 0 } },
  };
}

/** Asked once for all slices. */
function withKeptCredentials(
  options: WorkerOptions,
  surroundings: Pick<SliceHost, "system" | "emit">,
): WorkerOptions {
  const { system, emit: onEvent } = surroundings;
  const { credentials, dynamoDBCredentials } = options;
  const keep = (given: WorkerOptions["credentials"], name: string) =>
    given === undefined ? undefined : keptCredentials(given, `the option ${name}`, { system, onEvent });
  const kept = keep(credentials, "credentials");
  return {
    ...options,
    credentials: kept,
    dynamoDBCredentials: dynamoDBCredentials === credentials
      ? kept
      : keep(dynamoDBCredentials, "dynamoDBCredentials"),
  };
}

/** Two slices as one: the later says how it stands, and what was done is added up. */
function together(before: SliceResult, after: SliceResult): SliceResult {
  const records = new Map(before.shards.map((shard) => [shard.leaseKey, shard]));
  for (const shard of after.shards) {
    const earlier = records.get(shard.leaseKey)?.records ?? 0;
    records.set(shard.leaseKey, { ...shard, records: earlier + shard.records });
  }
  return {
    outcome: after.outcome,
    nextInMs: after.nextInMs,
    shards: [...records.values()],
    requests: before.requests + after.requests,
    failures: [...before.failures, ...after.failures],
  };
}

/**
 * One run of the command line: reads the configuration, runs the worker, serves its health, and logs, until
 * the run is to stop or finds that it cannot go on.
 *
 * @module
 */

import { pause } from "../async/waiting.ts";
import { errorText } from "../errors.ts";
import type { RunCommand } from "../host/arguments.ts";
import { cpuSource } from "../host/cpu_meter.ts";
import { inTurn } from "../observe/listeners.ts";
import { quietLog } from "../observe/quiet_log.ts";
import { SUMMARY_INTERVAL_MS, summaryLine } from "../observe/summary.ts";
import { thrownAt } from "../observe/thrown_at.ts";
import { Totals } from "../observe/totals.ts";
import { type HealthLimits, healthOf } from "../observe/verdict.ts";
import { PropertiesError } from "../properties/property_options.ts";
import { variableOf } from "../properties/property_source.ts";
import { VERSION } from "../version.ts";
import { faultLimits } from "../worker/event_outlet.ts";
import { KinesisWorker } from "../worker/worker.ts";
import { cloudWatchOf, type RunMetrics } from "./cloudwatch_setup.ts";
import { type ProgramConfiguration, readConfiguration } from "./configuration.ts";
import { credentialsOfProperty } from "./credentials_setup.ts";
import { processingOf } from "./processing.ts";
import { errorsWithDestination } from "./failure_destination.ts";
import { type HealthOfRun, serveHealth } from "./health_setup.ts";
import type { Host, ProgramContext } from "./program_context.ts";
import { type ProgramStart, startProgram } from "./program_start.ts";

/** One run. */
export class Program {
  readonly #context: ProgramContext;
  readonly #setLog: ProgramStart["setLog"];
  /** The error that a line of the log has reported already. */
  #reported: unknown;
  /** Rejections and exceptions after the one that ends the program. */
  #uncaughtMore = 0;
  #metrics: RunMetrics | undefined;
  /** The worker's, for what else asks AWS. */
  #credentials: HealthOfRun["credentials"] = {};

  constructor(command: RunCommand, host: Host) {
    const { context, setLog } = startProgram(command, host, "info");
    this.#context = context;
    this.#setLog = setLog;
    // Until the properties are read only flags and environment are known.
    const early = (key: string) =>
      command.entries.findLast((entry) => entry.key === key)?.value ?? host.env(variableOf(key));
    setLog(early("logLevel") === "debug" ? "debug" : "info", early("logFormat") === "json" ? "json" : "text");
    host.stopping?.((signalName) =>
      this.#context.log({ level: "info", text: `${signalName}: stopping; once more to end at once` })
    );
    host.uncaught?.((what, thrown) => this.#endInOrder(what, thrown));
  }

  /** Runs to the end. Never rejects. @returns the exit code, as if no signal had come. */
  async run(): Promise<number> {
    const { host: { signal }, system, log, notices } = this.#context;
    let health: AsyncDisposable | undefined;
    try {
      const configuration = await readConfiguration(this.#context, this.#setLog);
      const totals = new Totals(system.clock);
      const worker = await this.#worker(configuration, totals);
      const limits = faultLimits(configuration.options);
      const credentials = this.#credentials;
      health = await serveHealth(configuration, { totals, limits, credentials }, this.#context);
      await this.#consume(worker, totals, limits);
      return 0;
    } catch (error) {
      if (error instanceof PropertiesError) notices.push(...error.notices);
      this.#logNotices();
      if (signal.aborted && error === signal.reason) return 0;
      this.#report(error);
      return 1;
    } finally {
      await this.#metrics?.close();
      await health?.[Symbol.asyncDispose]();
      if (this.#uncaughtMore > 0) {
        const text = `${this.#uncaughtMore} more rejections or exceptions came after the first`;
        log({ level: "error", text });
      }
    }
  }

  /** What nobody handled may have left a module in any state: others go on with its shards. */
  #endInOrder(what: string, thrown: unknown): void {
    const { log, failure } = this.#context;
    if (failure.signal.aborted) {
      this.#uncaughtMore++;
      return;
    }
    const text = `Cannot go on: ${what}: ${errorText(thrown)}${thrownAt(thrown)}`;
    const error = new Error(text, { cause: thrown });
    log({ level: "error", text: `${text}: the leases are handed over, and the program ends with 1` });
    this.#logStack(thrown);
    this.#reported = error;
    failure.abort(error);
  }

  async #worker(configuration: ProgramConfiguration, totals: Totals): Promise<KinesisWorker> {
    const { host, system, directFetch, log } = this.#context;
    const { options, settings, retrieval, places, endpointSettings } = configuration;
    const others = host.options?.onEvent;
    const watching = inTurn([
      totals.listener,
      quietLog(system.clock, log),
      ...(others === undefined ? [] : [others]),
    ]);
    const setup = { region: options.region, endpointSettings, onEvent: watching };
    const credentials = (value: string, where?: string) =>
      credentialsOfProperty(value, where, this.#context, setup);
    const ownCredentials = credentials(
      settings.credentials ?? "DefaultCredentialsProvider",
      places.get("credentials"),
    );
    const { cloudWatchCredentials } = settings;
    const metrics = this.#metrics = await cloudWatchOf(configuration, this.#context, {
      credentials: cloudWatchCredentials === undefined
        ? ownCredentials
        : credentials(cloudWatchCredentials, places.get("cloudWatchCredentials")),
      onEvent: watching,
    });
    const onEvent = inTurn([watching, ...metrics.listeners]);
    const { applicationName = "", streamArn, streamName = streamArn, streams } = options;
    const named = streamName === undefined && Array.isArray(streams)
      ? `streams ${streams.join(", ")}`
      : `stream ${streamName}`;
    const { dynamoDBCredentials, disableWorkerMetrics = false } = settings;
    const executableName = settings.executableName ?? settings.lambdaBootstrap ?? settings.lambdaHandler;
    this.#credentials = {
      credentials: ownCredentials,
      ...(dynamoDBCredentials === undefined ? {} : {
        dynamoDBCredentials: credentials(dynamoDBCredentials, places.get("dynamoDBCredentials")),
      }),
    };
    const worker = new KinesisWorker({
      ...options,
      applicationName,
      ...this.#credentials,
      ...(disableWorkerMetrics
        ? {}
        : { cpuUtilization: cpuSource({ system: { ...system, fetch: directFetch }, env: host.env }) }),
      ...await processingOf(configuration, onEvent, this.#context),
      ...await errorsWithDestination(configuration),
      system,
      ...host.options,
      log: false, // `onEvent` writes it
      onEvent,
    });
    log({
      level: "info",
      // The words of the MultiLangDaemon, by which people search.
      text:
        `Running ${applicationName} to process ${named} with executable ${executableName}, kclite ${VERSION}`,
    });
    this.#logNotices();
    log({ level: retrieval.level, text: retrieval.reason });
    for (const line of metrics.lines) log(line);
    return worker;
  }

  /** Until the program is to stop, or finds that it cannot go on. */
  async #consume(worker: KinesisWorker, totals: Totals, limits: HealthLimits): Promise<void> {
    const { host: { signal }, failure } = this.#context;
    const over = new AbortController();
    const summing = this.#sumUp(totals, limits, over.signal);
    try {
      await worker.run(AbortSignal.any([signal, failure.signal]));
    } catch (error) {
      // Its last event was a line of the log.
      this.#reported = error;
      throw error;
    } finally {
      over.abort();
      await summing;
    }
    failure.signal.throwIfAborted();
  }

  /** Says now and then how the worker is, so that a log that is silent means trouble. */
  async #sumUp(totals: Totals, limits: HealthLimits, signal: AbortSignal): Promise<void> {
    const { system: { clock }, log } = this.#context;
    let before = totals.snapshot();
    while (await pause(clock, SUMMARY_INTERVAL_MS, signal)) {
      const now = totals.snapshot();
      log(summaryLine(now, before, healthOf(now, limits)));
      before = now;
    }
  }

  #report(error: unknown): void {
    // Our own refusals are sentences; of anything else the class and the causes may help.
    const isSentence = error instanceof Error && error.message.startsWith("Cannot ");
    const lines = (isSentence ? error.message : errorText(error)).split("\n");
    if (error !== this.#reported) { for (const text of lines) this.#context.log({ level: "error", text }); }
    this.#logStack(error);
  }

  #logStack(error: unknown): void {
    if (!(error instanceof Error) || typeof error.stack !== "string") return;
    for (const text of error.stack.split("\n")) this.#context.log({ level: "debug", text });
  }

  #logNotices(): void {
    for (const notice of this.#context.notices.splice(0)) this.#context.log(notice);
  }
}

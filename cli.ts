#!/usr/bin/env -S deno run -A
/**
 * The command line: arguments, environment and a properties file in, a running worker and an exit code out. The only
 * place that prints or exits.
 *
 * ```sh
 * deno run -A cli.ts app.properties
 * ```
 *
 * {@linkcode main} is all of it but the process: tests and demos call it with a signal, an environment and functions
 * that print.
 *
 * @module
 */

import process from "node:process";
import { configuredEndpoint, type EndpointSettings, workerEndpoints } from "./src/aws/configured_endpoint.ts";
import type { CredentialsProvider, Lookup } from "./src/aws/credentials.ts";
import type { CredentialsSurroundings } from "./src/aws/credential_sources/chain.ts";
import { credentialsFromSpec } from "./src/aws/credential_sources/from_spec.ts";
import { type CredentialsSpec, parseCredentialsSpec } from "./src/aws/credential_sources/spec.ts";
import { instanceRegion } from "./src/aws/credential_sources/instance_region.ts";
import type { RecordProcessorFactory } from "./src/consumer/record_processor.ts";
import { errorText, isNotPermitted } from "./src/errors.ts";
import type { WorkerEventListener } from "./src/events.ts";
import { HELP, parseCommand, type RunCommand } from "./src/host/arguments.ts";
import { childStarter } from "./src/host/child_starter.ts";
import { cpuSource } from "./src/host/cpu_meter.ts";
import { directFetch } from "./src/host/direct_fetch.ts";
import { EMULATOR_HELP, parseEmulatorCommand } from "./src/host/emulator_arguments.ts";
import { variable, variableNames } from "./src/host/environment_variables.ts";
import { guardConsole } from "./src/host/guarded_console.ts";
import { folderOf, readFile, workingFolder } from "./src/host/files.ts";
import { isStartedFile, loadModule } from "./src/host/modules.ts";
import { checkedProgram } from "./src/host/programs.ts";
import { profileLoader } from "./src/host/profile_credentials.ts";
import { profileSettings } from "./src/host/profile_settings.ts";
import { type FetchHandler, type RunningServer, serve } from "./src/host/serve.ts";
import { listenToSignals } from "./src/host/signals.ts";
import { listenToUncaught, type UncaughtListener } from "./src/host/uncaught.ts";
import { readTextFile } from "./src/host/text_file.ts";
import { executableOf, moduleProcessor } from "./src/consumer/module_processor.ts";
import { multiLangProcessor } from "./src/multilang/multilang_processor.ts";
import {
  type Configuration,
  configurationOf,
  PropertiesError,
  withRegion,
} from "./src/properties/property_options.ts";
import { environmentEntries, fileEntries } from "./src/properties/property_source.ts";
import { decodeProperties } from "./src/properties/properties.ts";
import { isWritten, type LineWriter, lineWriter } from "./src/observe/line_writer.ts";
import { inTurn } from "./src/observe/listeners.ts";
import { oneLine, printable } from "./src/observe/one_line.ts";
import type { LogLevel, LogLine } from "./src/observe/log_lines.ts";
import { quietLog } from "./src/observe/quiet_log.ts";
import { SUMMARY_INTERVAL_MS, summaryLine } from "./src/observe/summary.ts";
import { thrownAt } from "./src/observe/thrown_at.ts";
import { Totals } from "./src/observe/totals.ts";
import { type HealthLimits, healthOf } from "./src/observe/verdict.ts";
import { sayWhileWaiting } from "./src/async/still_waiting.ts";
import { pause, unlessAborted } from "./src/async/waiting.ts";
import { realSystem, type System } from "./src/system.ts";
import { VERSION } from "./src/version.ts";
import { faultLimits } from "./src/worker/event_outlet.ts";
import type { WorkerOptions } from "./src/options/options.ts";
import { KinesisWorker } from "./src/worker/worker.ts";

/** What a command line program takes from its process. */
export interface Host {
  /** Prints a line of what was asked for (`--help`, `--version`). */
  readonly out: (line: string) => void;
  /** Prints a line of the log. */
  readonly err: (line: string) => void;
  /** Prints what child processes complain, where the log does not: text in pieces, with line breaks of its own. */
  readonly childStderr: (text: string) => void;
  /** Looks up environment variables. */
  readonly env: Lookup;
  /** Their names, as far as they may be seen. */
  readonly envNames: readonly string[];
  /** Aborts when the program is to stop in order. */
  readonly signal: AbortSignal;
  /** Lets the program hear of rejections and exceptions that nobody handles. @default they end the process, as the runtime has it */
  readonly uncaught?: ((hear: UncaughtListener) => void) | undefined;
  /** Beats all that properties say: another system, a simulated Kinesis, a listener. */
  readonly options?: Partial<WorkerOptions>;
}

/** Runs the program. @returns the exit code, as if no signal had come. */
export async function main(args: readonly string[], host: Host): Promise<number> {
  if (args[0] === "emulator") return await emulate(args.slice(1), host);
  const command = parseCommand(args);
  switch (command.type) {
    case "help":
      host.out(HELP);
      return 0;
    case "version":
      host.out(`kclite ${VERSION}`);
      return 0;
    case "misuse":
      try {
        host.err(`${oneLine(command.problem)}\nTry --help`);
      } catch {
        // The exit code says the same.
      }
      return 2;
    case "run":
      return await new Program(command, host).run();
  }
}

/** `cli.ts emulator`; loaded only then. A properties file of this name needs --properties-file. */
async function emulate(args: readonly string[], { out, err, signal }: Host): Promise<number> {
  const command = parseEmulatorCommand(args);
  switch (command.type) {
    case "help":
      out(EMULATOR_HELP);
      return 0;
    case "misuse":
      err(`${command.problem}\nTry emulator --help`);
      return 2;
    case "run":
      try {
        const { runEmulator } = await import("./src/testing/emulator/emulator_program.ts");
        const { port } = command;
        const start = (handler: FetchHandler) => serve(handler, { port, setting: "--port" });
        await runEmulator({ ...command, signal, print: out, serve: start });
        return 0;
      } catch (error) {
        err(error instanceof Error && error.message.startsWith("Cannot ") ? error.message : errorText(error));
        return 1;
      }
  }
}

/** One run. */
class Program {
  readonly #command: RunCommand;
  readonly #host: Host;
  readonly #system: System;
  /** For addresses of this machine, which no proxy must see. */
  readonly #directFetch: typeof globalThis.fetch;
  readonly #failure = new AbortController();
  readonly #log: LineWriter;
  /** What is odd about the configuration; it follows the first line, which says what runs. */
  #notices: LogLine[] = [];
  #endpointSettings: EndpointSettings | undefined;
  #leastLevel: LogLevel;
  #told: unknown;
  /** Rejections and exceptions after the one that ends the program. */
  #uncaughtMore = 0;

  constructor(command: RunCommand, host: Host) {
    this.#command = command;
    this.#host = host;
    this.#system = host.options?.system ?? realSystem;
    this.#directFetch = host.options?.system?.fetch ?? directFetch;
    this.#log = lineWriter(host.err, { clock: this.#system.clock, least: () => this.#leastLevel });
    // Until the properties are read only the flag can tell.
    const isDebug = command.entries.some(({ key, value }) => key === "logLevel" && value === "debug");
    this.#leastLevel = isDebug ? "debug" : "info";
    host.uncaught?.((what, thrown) => this.#endInOrder(what, thrown));
  }

  async run(): Promise<number> {
    let health: RunningServer | undefined;
    try {
      const configuration = await this.#configure();
      const totals = new Totals(this.#system.clock);
      const worker = await this.#worker(configuration, totals);
      const limits = faultLimits(configuration.options);
      health = await this.#serveHealth(configuration, totals, limits);
      await this.#consume(worker, totals, limits);
      return 0;
    } catch (error) {
      if (error instanceof PropertiesError) this.#notices.push(...error.notices);
      this.#logNotices();
      const { signal } = this.#host;
      if (signal.aborted && error === signal.reason) return 0;
      this.#tellOf(error);
      return 1;
    } finally {
      await health?.close();
      if (this.#uncaughtMore > 0) {
        this.#log({
          level: "error",
          text: `${this.#uncaughtMore} more rejections or exceptions came after the first`,
        });
      }
    }
  }

  /** What nobody handled may have left a module in any state: others go on with its shards. */
  #endInOrder(what: string, thrown: unknown): void {
    if (this.#failure.signal.aborted) {
      this.#uncaughtMore++;
      return;
    }
    const text = `Cannot go on: ${what}: ${errorText(thrown)}${thrownAt(thrown)}`;
    const error = new Error(text, { cause: thrown });
    this.#log({ level: "error", text: `${text}: the leases are handed over, and the program ends with 1` });
    this.#logStack(thrown);
    this.#told = error;
    this.#failure.abort(error);
  }

  /** Reads everything that can be configured, and tells what is odd about it. */
  async #configure(): Promise<Configuration> {
    const { file, entries, warnings } = this.#command;
    const { env, envNames } = this.#host;
    this.#notices = warnings.map((text) => ({ level: "warning", text }));
    const fromFile = file === undefined ? [] : fileEntries(decodeProperties(await readFile(file)), file);
    const configuration = configurationOf([fromFile, environmentEntries(env, envNames), entries]);
    this.#leastLevel = configuration.settings.logLevel ?? "info";
    const settings: EndpointSettings = { env, profile: await profileSettings({ env }) };
    this.#endpointSettings = settings;
    const region = configuration.options.region ?? await this.#findRegion(settings);
    const complete = withRegion(configuration, region);
    this.#notices.push(...complete.notices);
    if (complete.options.region === undefined && this.#host.options?.kinesis === undefined) {
      throw new TypeError(
        "Cannot start: expected a region: set regionName; there is none in AWS_REGION, AWS_DEFAULT_REGION, the " +
          "profile files, the instance metadata and streamArn either; KCL 1.x took us-east-1",
      );
    }
    // Without a region Kinesis itself is given.
    const { options: { region: known = "us-east-1", ...others } } = complete;
    const { endpoints, notes } = workerEndpoints({ ...others, region: known }, settings);
    for (const text of notes) this.#notices.push({ level: "info", text });
    return { ...complete, options: { ...complete.options, ...endpoints } };
  }

  /** As the AWS SDK finds it; and AWS_DEFAULT_REGION, which only others of its SDKs know. */
  async #findRegion({ profile }: EndpointSettings): Promise<string | undefined> {
    const { env, signal } = this.#host;
    const set = (value: string | undefined) => value?.trim() || undefined;
    return set(this.#command.systemProperties["aws.region"]) ?? set(env("AWS_REGION")) ??
      profile("region") ?? set(env("AWS_DEFAULT_REGION")) ??
      await instanceRegion({ env, system: this.#system, directFetch: this.#directFetch }, signal);
  }

  async #worker(
    { options, settings, retrieval, places }: Configuration,
    totals: Totals,
  ): Promise<KinesisWorker> {
    const others = this.#host.options?.onEvent;
    const onEvent = inTurn([
      totals.listener,
      quietLog(this.#system.clock, this.#log),
      ...(others === undefined ? [] : [others]),
    ]);
    const credentials = (value: string, where?: string) =>
      this.#credentials(parseCredentialsSpec(value, where), options.region, onEvent);
    const { applicationName = "", streamName, streams } = options;
    const named = streamName === undefined && Array.isArray(streams)
      ? `streams ${streams.join(", ")}`
      : `stream ${streamName}`;
    const { executableName = "", dynamoDBCredentials, disableWorkerMetrics = false } = settings;
    const worker = new KinesisWorker({
      ...options,
      applicationName,
      credentials: credentials(
        settings.credentials ?? "DefaultCredentialsProvider",
        places.get("credentials"),
      ),
      ...(dynamoDBCredentials === undefined ? {} : {
        dynamoDBCredentials: credentials(dynamoDBCredentials, places.get("dynamoDBCredentials")),
      }),
      ...(disableWorkerMetrics ? {} : {
        cpuUtilization: cpuSource({
          system: { ...this.#system, fetch: this.#directFetch },
          env: this.#host.env,
        }),
      }),
      ...await this.#processing(executableName, { options, settings, onEvent }),
      ...this.#host.options,
      log: false, // `onEvent` writes it
      onEvent,
    });
    this.#log({
      level: "info",
      // The words of the MultiLangDaemon, by which people search.
      text:
        `Running ${applicationName} to process ${named} with executable ${executableName}, kclite ${VERSION}`,
    });
    this.#logNotices();
    this.#log({ level: retrieval.level, text: retrieval.reason });
    return worker;
  }

  #credentials(
    spec: CredentialsSpec,
    region: string | undefined,
    onEvent: WorkerEventListener,
  ): CredentialsProvider {
    const { systemProperties } = this.#command;
    const { env } = this.#host;
    const settings = this.#endpointSettings;
    for (const text of spec.notes) this.#notices.push({ level: "warning", text });
    const surroundings: CredentialsSurroundings = {
      system: this.#system,
      onEvent,
      env,
      systemProperty: Object.keys(systemProperties).length === 0
        ? undefined
        : (name) => systemProperties[name],
      readTextFile,
      directFetch: this.#directFetch,
      region,
      stsEndpoint: (region) => settings && configuredEndpoint("sts", region, settings)?.url,
      profile: profileLoader({
        region,
        credentialsFile: env("AWS_SHARED_CREDENTIALS_FILE"),
        configFile: env("AWS_CONFIG_FILE"),
        profile: env("AWS_PROFILE")?.trim() || undefined,
      }),
    };
    return credentialsFromSpec(spec, surroundings);
  }

  /** A module is run in this process, anything else in a child process for each shard. */
  async #processing(
    executableName: string,
    { options, settings, onEvent }: Pick<Configuration, "options" | "settings"> & {
      readonly onEvent: WorkerEventListener;
    },
  ): Promise<{ readonly processor: RecordProcessorFactory; readonly onProcessError?: "retry" }> {
    const { file } = this.#command;
    const executable = executableOf(executableName);
    if (executable.type === "module") {
      const { path, ignored } = executable;
      if (ignored.length > 0) {
        this.#notices.push({
          level: "warning",
          text: `A module takes no arguments: ignored ${ignored.join(" ")}`,
        });
      }
      // Beside the file first: what the working directory happens to hold under that name must not run in its place.
      const folders = [...(file === undefined ? [] : [folderOf(file)]), workingFolder()];
      const onMisfit = (error: TypeError) => this.#failure.abort(error);
      const waiting = {
        clock: this.#system.clock,
        say: (text: string) => this.#log({ level: "warning", text }),
      };
      const module = await sayWhileWaiting(
        `module "${path}" to load`,
        waiting,
        () => unlessAborted(loadModule(path, folders), this.#failure.signal),
      );
      return { processor: moduleProcessor(module, { path, onMisfit }) };
    }
    // Before a table is made, or a consumer that costs money.
    this.#notices.push(
      ...await checkedProgram(executableName, file === undefined ? undefined : folderOf(file)),
    );
    const { onProcessError = "retry" } = options;
    if (onProcessError !== "retry") {
      const text =
        `onProcessError = ${onProcessError} is for modules: a program that fails starts again at the last checkpoint`;
      this.#notices.push({ level: "warning", text });
    }
    const { timeoutInSeconds, onChildFailure } = settings;
    const starter = childStarter({ warn: (text) => this.#log({ level: "warning", text }) });
    const processor = multiLangProcessor({
      executableName,
      spawn: starter.spawn,
      clock: this.#system.clock,
      timeoutMs: timeoutInSeconds === undefined ? undefined : timeoutInSeconds * 1000,
      onEvent,
      // Once is enough: at this level the log repeats it, with the shard.
      writeStderr: isWritten("info", this.#leastLevel) ? undefined : (text) => this.#passOn(text),
      stopping: this.#host.signal,
      onChildFailure: (error) => {
        // Another child would not be permitted to start either.
        if (onChildFailure === "exit" || isNotPermitted(error)) this.#failure.abort(error);
      },
      onUnstartable: (error) => this.#failure.abort(error),
    });
    // What programs do in any case: the batch comes again.
    return { processor, onProcessError: "retry" };
  }

  #passOn(stderr: string): void {
    try {
      this.#host.childStderr(printable(stderr));
    } catch {
      // What cannot be printed is no reason to stop reading: the child would wait for us.
    }
  }

  async #serveHealth(
    { settings: { healthPort, healthHost, healthAllowedHosts } }: Configuration,
    totals: Totals,
    limits: HealthLimits,
  ): Promise<RunningServer | undefined> {
    if (healthPort === undefined) return undefined;
    const { healthApp } = await import("./src/observe/health.ts");
    const server = await serve(healthApp(totals, limits).fetch, {
      port: healthPort,
      hostname: healthHost,
      allowedHosts: healthAllowedHosts,
      setting: "healthPort",
    });
    this.#log({ level: "info", text: `Health is served at ${server.url}` });
    return server;
  }

  /** Until the program is told to stop, or finds that it cannot go on. */
  async #consume(worker: KinesisWorker, totals: Totals, limits: HealthLimits): Promise<void> {
    const over = new AbortController();
    const summing = this.#sumUp(totals, limits, over.signal);
    try {
      await worker.run(AbortSignal.any([this.#host.signal, this.#failure.signal]));
    } catch (error) {
      // Its last event was a line of the log.
      this.#told = error;
      throw error;
    } finally {
      over.abort();
      await summing;
    }
    this.#failure.signal.throwIfAborted();
  }

  /** Says now and then how the worker is, so that a log that is silent means trouble. */
  async #sumUp(totals: Totals, limits: HealthLimits, signal: AbortSignal): Promise<void> {
    let before = totals.snapshot();
    while (await pause(this.#system.clock, SUMMARY_INTERVAL_MS, signal)) {
      const now = totals.snapshot();
      this.#log(summaryLine(now, before, healthOf(now, limits)));
      before = now;
    }
  }

  #tellOf(error: unknown): void {
    // Our own refusals are sentences; of anything else the class and the causes may help.
    const isSentence = error instanceof Error && error.message.startsWith("Cannot ");
    const lines = (isSentence ? error.message : errorText(error)).split("\n");
    if (error !== this.#told) { for (const text of lines) this.#log({ level: "error", text }); }
    this.#logStack(error);
  }

  #logStack(error: unknown): void {
    if (!(error instanceof Error) || typeof error.stack !== "string") return;
    for (const text of error.stack.split("\n")) this.#log({ level: "debug", text });
  }

  #logNotices(): void {
    for (const notice of this.#notices.splice(0)) this.#log(notice);
  }
}

if (import.meta.main ?? isStartedFile(import.meta.url)) {
  const { out, err } = guardConsole();
  const request = listenToSignals(
    (name) => console.error(`${name}: stopping; once more to end at once`),
    (exitCode) => process.exit(exitCode),
  );
  const exitCode = await main(process.argv.slice(2), {
    out,
    err,
    childStderr: (text) => void process.stderr.write(text),
    env: variable,
    envNames: variableNames(),
    signal: request.signal,
    uncaught: listenToUncaught,
  });
  // A user's module may have left timers or connections behind.
  process.exit(exitCode === 0 ? request.exitCode() ?? 0 : exitCode);
}

/**
 * One run of `redrive`: reads the configuration, opens the source, and reports what becomes of each letter.
 *
 * @module
 */

import { configuredEndpoint, type EndpointSettings } from "../aws/configured_endpoint.ts";
import type { CredentialsProvider } from "../aws/credentials.ts";
import type { GivenEndpoints } from "../aws/dynamodb_streams.ts";
import type { ServiceOptions } from "../aws/signed_call.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { errorText } from "../errors.ts";
import { fileLetters } from "../failures/file/file_letters.ts";
import { fetchAgain, streamOf } from "../failures/redrive/fetch_again.ts";
import {
  type LetterSource,
  redrive,
  type RedriveCounts,
  type RedriveStep,
} from "../failures/redrive/redrive.ts";
import { openSource, type SourcePlace, sourcePlace } from "../failures/redrive/sources.ts";
import type { StoredLetter } from "../failures/redrive/stored_letter.ts";
import { profileSettings } from "../host/profile_settings.ts";
import type { RedriveCommand } from "../host/redrive_arguments.ts";
import { counted } from "../observe/format.ts";
import { oneLine } from "../observe/one_line.ts";
import { PropertiesError } from "../properties/property_options.ts";
import { readConfiguration } from "./configuration.ts";
import { credentialsOfProperty } from "./credentials_setup.ts";
import { processingOf } from "./processing.ts";
import type { Host, ProgramContext } from "./program_context.ts";
import { type ProgramStart, startProgram } from "./program_start.ts";

/** A command to run. */
export type RedriveRun = Extract<RedriveCommand, { readonly type: "run" }>;

/** How often progress is shown on a terminal, and in a pipe, in ms. */
const TERMINAL_MS = 200, PIPE_MS = 10_000;

/** Failed letters that get a line of their own. The summary counts the others. */
const MOST_FAILURES_SHOWN = 100;

/** What a redrive needs of a configuration. */
interface RedriveSetup {
  readonly serviceOptions: (service: "sqs" | "s3" | "dynamodb" | "kinesis", region: string) => ServiceOptions;
  /** What the options set. */
  readonly endpoints: GivenEndpoints;
  readonly region: string;
  readonly processor: RecordProcessorFactory | undefined;
}

/** Runs to the end. Never rejects. @returns the exit code, as if no signal had come. */
export async function runRedrive(command: RedriveRun, host: Host): Promise<number> {
  const { context, setLog } = startProgram(command.configured, host, "info");
  const { system, log, failure } = context;
  host.uncaught?.((what, thrown) => failure.abort(new Error(`Cannot go on: ${what}: ${errorText(thrown)}`)));
  try {
    const place = sourcePlace(command.source);
    const setup = await setupOf(command, place, context, setLog);
    for (const notice of context.notices.splice(0)) log(notice);
    const source = await opened(command, place, setup);
    const report = new RedriveReport(command, host, () => system.clock.monotonicMs());
    const signal = AbortSignal.any([host.signal, failure.signal, report.closed]);
    const counts = await redrive({
      source,
      processor: setup.processor,
      fetchRecords: (letter, signal) => fetched(letter, setup, signal),
      max: command.max,
      onStep: (step, counts) => report.step(step, counts),
    }, signal);
    failure.signal.throwIfAborted();
    report.end(counts, place, host.signal.aborted);
    return counts.failed + counts.unreadable > 0 ? 1 : 0;
  } catch (error) {
    if (error instanceof PropertiesError) context.notices.push(...error.notices);
    for (const notice of context.notices.splice(0)) log(notice);
    if (host.signal.aborted && error === host.signal.reason) return 0;
    const isSentence = error instanceof Error && error.message.startsWith("Cannot ");
    for (const text of (isSentence ? error.message : errorText(error)).split("\n")) {
      log({ level: "error", text });
    }
    return 1;
  }
}

async function setupOf(
  { isDryRun, configured }: RedriveRun,
  place: SourcePlace | undefined,
  context: ProgramContext,
  onLog: ProgramStart["setLog"],
): Promise<RedriveSetup> {
  const { host: { env }, system } = context;
  const onEvent = () => {};
  const isPlain = isDryRun && configured.file === undefined && configured.entries.length === 0;
  const full = isPlain ? undefined : await readConfiguration(context, onLog);
  const endpointSettings: EndpointSettings = full?.endpointSettings ??
    { env, profile: await profileSettings({ env }) };
  const region = full?.options.region ?? env("AWS_REGION") ?? endpointSettings.profile("region") ??
    env("AWS_DEFAULT_REGION") ?? place?.arn.region ?? "";
  const setup = { region: region || undefined, endpointSettings, onEvent };
  // Each source of credentials once, whatever the number of letters.
  const providers = new Map<string, CredentialsProvider>();
  const provider = (spec: string) => {
    const known = providers.get(spec) ??
      credentialsOfProperty(spec, full?.places.get("credentials"), context, setup);
    providers.set(spec, known);
    return known;
  };
  const { credentials: named = "DefaultCredentialsProvider", dynamoDBCredentials } = full?.settings ?? {};
  return {
    region,
    endpoints: {
      dynamoDBStreamsEndpoint: full?.options.dynamoDBStreamsEndpoint,
      dynamoDBEndpoint: full?.options.dynamoDBEndpoint,
      kinesisEndpoint: full?.options.kinesisEndpoint,
    },
    processor: full === undefined || isDryRun
      ? undefined
      : (await processingOf(full, onEvent, context)).processor,
    serviceOptions: (service, region) => {
      const own = service === "dynamodb"
        ? full?.options.dynamoDBEndpoint
        : service === "kinesis"
        ? full?.options.kinesisEndpoint
        : undefined;
      const spec = service === "dynamodb" ? dynamoDBCredentials ?? named : named;
      return {
        region,
        endpoint: own ?? configuredEndpoint(service, region, endpointSettings)?.url,
        credentials: provider(spec),
        system,
      };
    },
  };
}

async function opened(
  { source, isDryRun, sinceEpochMs }: RedriveRun,
  place: SourcePlace | undefined,
  { serviceOptions, region }: RedriveSetup,
): Promise<LetterSource> {
  if (place === undefined) return await fileLetters(source, isDryRun);
  const { service } = place.arn;
  if (service !== "sqs" && service !== "s3" && service !== "dynamodb" && service !== "kinesis") {
    throw new TypeError(`Cannot redrive ${place.text}: expected a place that keeps dead letters`);
  }
  return openSource(place, serviceOptions(service, place.arn.region || region), sinceEpochMs);
}

/** From the stream of the letter, in its region. */
async function fetched(
  letter: StoredLetter,
  { serviceOptions, endpoints, region }: RedriveSetup,
  signal: AbortSignal,
) {
  const service = serviceOptions("kinesis", letter.streamArn.split(":")[3] || region);
  const { stream, kinesis } = streamOf(letter, { ...endpoints, ...service });
  return await fetchAgain(letter, stream, { kinesis, clock: service.system.clock }, signal);
}

/** Prints what becomes of letters. */
class RedriveReport {
  readonly #command: RedriveRun;
  readonly #host: Host;
  readonly #nowMs: () => number;
  readonly #closed = new AbortController();
  #shownMs: number;
  #failuresShown = 0;

  constructor(command: RedriveRun, host: Host, nowMs: () => number) {
    this.#command = command;
    this.#host = host;
    this.#nowMs = nowMs;
    this.#shownMs = nowMs();
  }

  /** Aborts when nobody reads what a dry run prints. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  step(step: RedriveStep, counts: RedriveCounts): void {
    if (step.type === "read") this.#print(shownLetter(step.place, step.letter));
    else if (step.type !== "processed" && this.#failuresShown < MOST_FAILURES_SHOWN) {
      this.#failuresShown++;
      const what = step.type === "failed" ? "failed again, and stays" : "is no dead letter, and stays";
      this.#clearLine();
      this.#print(`${step.place} ${what}: ${step.reason}`);
    }
    const isTerminal = this.#host.isTerminal === true;
    if (this.#nowMs() - this.#shownMs < (isTerminal ? TERMINAL_MS : PIPE_MS) || this.#command.isDryRun) {
      return;
    }
    this.#shownMs = this.#nowMs();
    const text = countsText(counts);
    if (isTerminal) this.#write(`\r${text}\x1b[K`);
    else this.#print(`${text} so far`);
  }

  end(counts: RedriveCounts, place: SourcePlace | undefined, isInterrupted: boolean): void {
    this.#clearLine();
    if (this.#command.isDryRun) return;
    this.#print(`${isInterrupted ? "Interrupted: " : ""}${countsText(counts)}`);
    if (place?.arn.service === "kinesis" && counts.processed > 0) {
      this.#print("Nothing was removed: a stream keeps its records. Use --since for the next run.");
    }
  }

  #clearLine(): void {
    if (this.#host.isTerminal === true) this.#write("\r\x1b[K");
  }

  #print(text: string): void {
    try {
      this.#host.out(oneLine(text));
    } catch (error) {
      // A redrive goes on; there is no use in showing letters to nobody.
      if (this.#command.isDryRun) this.#closed.abort(error);
    }
  }

  #write(text: string): void {
    try {
      this.#host.childStderr(text);
    } catch {
      // Progress that cannot be shown stops nothing.
    }
  }
}

function countsText({ processed, failed, unreadable, records }: RedriveCounts): string {
  const parts = [
    `${counted(processed, "letter")} processed (${counted(records, "record")})`,
    `${failed} failed`,
  ];
  if (unreadable > 0) parts.push(`${unreadable} unreadable`);
  return parts.join(", ");
}

function shownLetter(place: string, letter: StoredLetter): string {
  const { condition, streamName, shardId, records, range, errorMessage } = letter;
  const count = records?.length ?? range.positions?.size ?? range.recordCount;
  const where = records === undefined ? "to be fetched again" : "inside";
  return `${place}: ${condition} ${streamName} ${shardId} ${range.start}: ${
    count === undefined ? "records" : counted(count, "record")
  } ${where}${errorMessage === undefined ? "" : `: ${errorMessage}`}`;
}

// Pure.
/**
 * The rules about more than one property: what is required, what excludes what, and defaults that differ from
 * the worker's.
 *
 * @module
 */

import type { WorkerOptions } from "../options/options.ts";
import { failuresOf } from "./failure_choice.ts";
import type { Settings } from "./property.ts";
import { type Findings, type GivenProperty, shownText } from "./property_reading.ts";
import { parseTableStreamArn } from "../stream/table_stream_name.ts";
import { type RetrievalChoice, retrievalChoice } from "./retrieval_choice.ts";

/**
 * Docker kills ten seconds after its stop signal. KCL 1.x documented 5000; later versions do not wait at all.
 */
const SHUTDOWN_GRACE_MS = 5000;

/** Capacity units of a table. Source: KCL 3.5.1, `LeaseManagementConfig`. */
const TABLE_CAPACITY = 10;

/** Properties, each read on its own. */
export interface SeparateProperties {
  readonly options: Partial<WorkerOptions>;
  readonly settings: Settings;
  /** All that were given. */
  readonly given: readonly GivenProperty[];
  /** Those that count. */
  readonly chosen: readonly GivenProperty[];
  readonly findings: Findings;
  readonly needs: readonly Need[];
}

/** What a program cannot do without. */
export type Need = "executable" | "application" | "stream";

/** What a worker needs. */
export const WORKER_NEEDS: readonly Need[] = ["executable", "application", "stream"];

/** Options and settings that go together. */
export interface ConsistentProperties {
  readonly options: Partial<WorkerOptions>;
  readonly settings: Settings;
  readonly retrieval: RetrievalChoice;
}

/** Makes options and settings go together. What does not is added to the problems. */
export function consistent(separate: SeparateProperties): ConsistentProperties {
  const { settings, chosen } = separate;
  const retrieval = retrievalChoice(
    settings.retrievalMode,
    new Map(chosen.map(({ property, value }) => [property.name, value])),
    areAllOfTables(separate),
  );
  const single = {
    retrievalMode: retrieval.mode,
    shutdownGraceMs: SHUTDOWN_GRACE_MS,
    ...pacingOf(separate.options),
    ...separate.options,
    ...tableRegionOf(separate),
    ...billingOf(settings),
    ...failuresOf(separate),
  };
  const options = { ...single, ...streamsOf(separate) };
  tellOfMissing({ ...separate, options });
  refuseTwoExecutables(separate);
  refuseNoTableNames(separate);
  refuseForeignTables(separate);
  return { options, settings, retrieval };
}

/** A file that sets only KCL's idle time was tuned with it: it keeps its meaning in KCL. */
function pacingOf({ idleTimeBetweenReadsMs, maxIdleTimeBetweenReadsMs }: Partial<WorkerOptions>) {
  const isKcls = idleTimeBetweenReadsMs !== undefined && maxIdleTimeBetweenReadsMs === undefined;
  return isKcls ? { idlePacing: "fixed" } as const : {};
}

/** `kinesisClient.region` moves the stream; the lease table stays in the region of `regionName`. */
function tableRegionOf({ options, given, chosen }: SeparateProperties): Partial<WorkerOptions> {
  const winner = chosen.find(({ property }) => property.name === "regionName");
  if (winner?.key !== "kinesisClient.region" || options.dynamoDBRegion !== undefined) return {};
  const general = given.findLast(({ key }) => key === "regionName");
  return general === undefined ? {} : { dynamoDBRegion: `${general.value}` };
}

function billingOf(settings: Settings): Partial<WorkerOptions> {
  const { billingMode, readCapacity = TABLE_CAPACITY, writeCapacity = TABLE_CAPACITY } = settings;
  if (billingMode === undefined) return {};
  return { billingMode: billingMode === "PROVISIONED" ? { readCapacity, writeCapacity } : billingMode };
}

function tellOfMissing(
  { options, settings, findings: { problems, unreadable }, needs }: SeparateProperties,
): void {
  const required = [
    {
      need: "executable" as const,
      names: ["executableName", "lambdaHandler", "lambdaBootstrap"],
      found: settings.executableName ?? settings.lambdaHandler ?? settings.lambdaBootstrap,
      wanted:
        "executableName, e.g. executableName = sample_kclpy_app.py, or lambdaHandler or lambdaBootstrap",
    },
    {
      need: "application" as const,
      names: ["applicationName"],
      found: options.applicationName,
      wanted: "applicationName",
    },
    {
      need: "stream" as const,
      names: ["streamName", "streamArn", "streamNames", "streamArns"],
      found: options.streamName ?? options.streamArn ?? options.streams,
      wanted: "streamName or streamArn",
    },
  ];
  for (const { need, names, found, wanted } of required) {
    if (!needs.includes(need) || found !== undefined || names.some((name) => unreadable.includes(name))) {
      continue;
    }
    problems.push(`Cannot start: expected ${wanted}: got none`);
  }
}

/** A program or a Lambda function; a function's handler may go with its bootstrap. */
function refuseTwoExecutables({ chosen, findings: { problems } }: SeparateProperties): void {
  const given = (name: string) => chosen.find(({ property }) => property.name === name);
  const program = given("executableName"), lambda = given("lambdaBootstrap") ?? given("lambdaHandler");
  if (program === undefined || lambda === undefined) return;
  problems.push(
    `Cannot read ${lambda.where}: expected either ${lambda.key} or ${program.key} (${program.where}): got both`,
  );
}

/** One stream or many: a stronger source wins, so that a flag can try out one stream of a file of many. */
function streamsOf(
  { settings, chosen, findings: { problems, notices } }: SeparateProperties,
): Partial<WorkerOptions> {
  const { streamNames = [], streamArns = [], streamIdentifiersForLeaseCleanup: former } = settings;
  const streams = [...streamNames, ...streamArns];
  const cleanup = former === undefined ? {} : { streamIdentifiersForLeaseCleanup: () => former };
  if (streams.length === 0) return cleanup;
  const strongest = (...names: readonly string[]) =>
    chosen.filter(({ property }) => names.includes(property.name)).toSorted((a, b) => b.rank - a.rank)[0];
  const one = strongest("streamName", "streamArn"), many = strongest("streamNames", "streamArns");
  if (one === undefined || many === undefined) {
    refuseOneConsumer(chosen, problems);
    return { ...cleanup, streams };
  }
  if (one.rank === many.rank) {
    problems.push(
      `Cannot read ${many.where}: expected either ${many.key} or ${one.key} (${one.where}): got both`,
    );
    return cleanup;
  }
  const [winner, loser] = one.rank > many.rank ? [one, many] : [many, one];
  notices.push({
    level: "debug",
    text: `${loser.where}: ${loser.key} gives way to ${winner.key} (${winner.where})`,
  });
  return winner === one ? cleanup : { streamName: undefined, streamArn: undefined, ...cleanup, streams };
}

function refuseOneConsumer(chosen: readonly GivenProperty[], problems: string[]): void {
  const consumer = chosen.find(({ property }) => property.name === "fanoutConfig.consumerArn");
  if (consumer === undefined) return;
  problems.push(
    `Cannot read ${consumer.where}: ${consumer.key} is one stream's consumer: expected it with streamName or ` +
      "streamArn: set fanoutConfig.consumerName",
  );
}

/**
 * The lease table has the application's name, except if `tableName` is set. The tables of KCL 3.0 to 3.4 have
 * that name with a suffix; every start looks for them.
 *
 * Source: DynamoDB API reference, `CreateTable`.
 */
function refuseNoTableNames({ options, chosen, findings: { problems } }: SeparateProperties): void {
  const { applicationName, tableName } = options;
  const longest = 255 - "-WorkerMetricStats".length;
  const rows = [
    {
      name: "applicationName",
      found: applicationName,
      least: tableName === undefined ? 3 : 1,
      most: longest,
    },
    { name: "tableName", found: tableName, least: 3, most: 255 },
  ];
  for (const { name, found, least, most } of rows) {
    const entry = chosen.find(({ property }) => property.name === name);
    if (found === undefined || entry === undefined) continue;
    if (name === "tableName" && TABLE_ARN.test(found)) continue;
    if (/^[\w.-]+$/.test(found) && found.length >= least && found.length <= most) continue;
    problems.push(
      `Cannot read ${entry.where}: expected a name for a table, of ${least} to ${most} letters, digits, "_", "." and ` +
        `"-", for ${entry.key}: got ${shownText(found, entry.property)}`,
    );
  }
}

/** DynamoDB takes it instead of a name, for a table of another account. */
const TABLE_ARN = /^arn:aws[^:]*:dynamodb:[a-z0-9-]+:\d{12}:table\/[\w.-]{3,255}$/;

/** Two fleets that keep their leader's lock in different tables would both lead. */
function refuseForeignTables(
  { options, settings, chosen, findings: { problems } }: SeparateProperties,
): void {
  const rows = [
    ["coordinatorStateTableName", "CoordinatorState"],
    ["workerMetricsTableName", "WorkerMetricStats"],
  ] as const;
  for (const [setting, suffix] of rows) {
    const wanted = `${options.applicationName}-${suffix}`;
    const found = settings[setting];
    if (found === undefined || options.applicationName === undefined || found === wanted) continue;
    const entry = chosen.find(({ property }) => property.name === setting);
    problems.push(
      `Cannot read ${entry?.where}: expected "${wanted}" for ${entry?.key}: got ${JSON.stringify(found)}: ` +
        "kclite looks for the tables of KCL 3.0 to 3.4 under their default names only; " +
        "remove the line if the application has never run with KCL",
    );
  }
}

/** Whether only streams of DynamoDB's tables are read. */
function areAllOfTables({ options, settings }: SeparateProperties): boolean {
  const { streamArns = options.streamArn === undefined ? [] : [options.streamArn], streamNames = [] } =
    settings;
  return streamNames.length === 0 && streamArns.length > 0 &&
    streamArns.every((arn) => parseTableStreamArn(arn) !== undefined);
}

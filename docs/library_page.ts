/**
 * Makes docs/library.md: every option of a worker, with its defaults in the library and on the command line
 * side by side.
 *
 * @module
 */

import type { WorkerOptions } from "../src/options/options.ts";
import type { Property } from "../src/properties/property.ts";
import { PROPERTIES } from "../src/properties/property_table.ts";
import { type Field, interfaceFields } from "./source_docs.ts";

/** Where the text belongs. */
export const LIBRARY_FILE: URL = new URL("library.md", import.meta.url);

type OptionName = keyof WorkerOptions;

/** Every option once, what everybody needs first. */
export const OPTION_GROUPS: readonly { readonly title: string; readonly options: readonly OptionName[] }[] = [
  {
    title: "What to read, and what with",
    options: [
      "applicationName",
      "processor",
      "streamName",
      "streamArn",
      "streams",
      "initialPositionInStream",
      "workerIdentifier",
      "tableName",
    ],
  },
  {
    title: "AWS",
    options: [
      "region",
      "credentials",
      "dynamoDBCredentials",
      "kinesisEndpoint",
      "fetch",
      "dynamoDBEndpoint",
      "dynamoDBStreamsEndpoint",
      "dynamoDBRegion",
      "wireFormat",
    ],
  },
  {
    title: "Processing",
    options: [
      "onProcessError",
      "errors",
      "batch",
      "filter",
      "concurrency",
      "onTrimmedCheckpoint",
      "callProcessRecordsEvenForEmptyRecordList",
      "foreignAggregates",
      "taskBackoffTimeMs",
      "shutdownGraceMs",
      "parentShardPollIntervalMs",
    ],
  },
  {
    title: "Reading",
    options: [
      "retrievalMode",
      "maxRecords",
      "maxBufferedBytes",
      "idlePacing",
      "idleTimeBetweenReadsMs",
      "maxIdleTimeBetweenReadsMs",
      "maxReadsPerSecond",
      "maxReadBytesPerSecond",
      "consumerName",
      "consumerArn",
      "deregisterConsumerOnStop",
    ],
  },
  {
    title: "Leases",
    options: [
      "failoverTimeMs",
      "maxLeasesForWorker",
      "isGracefulLeaseHandoffEnabled",
      "gracefulLeaseHandoffTimeoutMs",
      "leaseAssignmentIntervalMs",
      "leaseDiscoveryIntervalMs",
      "maxLeaseRenewals",
      "leaseAuditIntervalMs",
      "leaseCleanupIntervalMs",
      "cleanupLeasesUponShardCompletion",
      "ignoreUnexpectedChildShards",
      "skipShardSyncAtWorkerInitializationIfLeasesExist",
      "maxInitializationAttempts",
      "schedulerInitializationBackoffTimeMs",
    ],
  },
  {
    title: "Balancing",
    options: [
      "leaseAssignmentStrategy",
      "cpuUtilization",
      "maxThroughputPerHostKBps",
      "dampeningPercentage",
      "reBalanceThresholdPercentage",
      "allowThroughputOvershoot",
    ],
  },
  {
    title: "Many streams",
    options: [
      "newStreamCheckIntervalMs",
      "formerStreamsLeasesDeletionStrategy",
      "waitPeriodToDeleteFormerStreamsMs",
      "streamIdentifiersForLeaseCleanup",
    ],
  },
  {
    title: "The lease table",
    options: [
      "billingMode",
      "leaseTableTags",
      "leaseTableDeletionProtectionEnabled",
      "leaseTablePitrEnabled",
      "leaseTableScanTotalSegments",
      "migrateAllEntitiesToLeaseTable",
    ],
  },
  {
    title: "Observing",
    options: ["log", "onEvent", "callbackLimitMs", "dataLossLimitMs", "logWarningForTaskAfterMs"],
  },
  {
    title: "Your own parts, for tests (experimental: these types may change in any release)",
    options: ["system", "kinesis", "kinesisConsumers", "leaseStore", "coordinatorStore"],
  },
];

/** Options that the command line makes of a property which does not simply set them. */
const MADE_OF: ReadonlyMap<OptionName, string> = new Map<OptionName, string>([
  ["processor", "executableName"],
  ["credentials", "AwsCredentialsProvider"],
  ["dynamoDBCredentials", "AwsCredentialsProviderDynamoDB"],
  ["streams", "streamNames"],
  ["streamIdentifiersForLeaseCleanup", "streamIdentifiersForLeaseCleanup"],
  ["retrievalMode", "retrievalMode"],
  ["billingMode", "billingMode"],
  ["cpuUtilization", "disableWorkerMetrics"],
  ["log", "logLevel"],
  ["onProcessError", "onProcessError"],
  ["errors", "maximumRetryAttempts"],
  ["batch", "batchSize"],
  ["concurrency", "parallelizationFactor"],
]);

/** Where the options are written down. */
const SOURCES = [
  { file: "options.ts", name: "WorkerOptions" },
  { file: "processing_options.ts", name: "ProcessingOptions" },
  { file: "reading_options.ts", name: "ReadingOptions" },
  { file: "stream_options.ts", name: "StreamOptions" },
] as const;

/** Every option of a worker, as the source has it. */
export async function optionFields(): Promise<readonly Field[]> {
  const fields = await Promise.all(SOURCES.map(async ({ file, name }) => {
    const source = await Deno.readTextFile(new URL(`../src/options/${file}`, import.meta.url));
    return interfaceFields(source, name);
  }));
  return fields.flat();
}

/** The whole text of docs/library.md. */
export async function libraryMarkdown(): Promise<string> {
  const fields = new Map((await optionFields()).map((field) => [field.name, field]));
  const sections = OPTION_GROUPS.map(({ title, options }) => {
    const rows = options.map((name) => {
      const field = fields.get(name);
      if (field === undefined) throw new RangeError(`Cannot describe option ${name}: src/options has none`);
      return row(name, field);
    });
    const lines = [COLUMNS, COLUMNS.map(() => "---"), ...rows].map((cells) =>
      `| ${cells.map(escaped).join(" | ")} |`
    );
    return `## ${title}\n\n${lines.join("\n")}`;
  });
  return [HEAD, ...sections].join("\n\n") + "\n";
}

const COLUMNS = ["Option", "Type", "Library", "Command line", "KCL", "What it does"];

const HEAD = `<!-- deno-fmt-ignore-file -->
<!-- Made by docs/library_page.ts from src/options: change the comments there, then run \`deno task docs\`. -->

# Options of the library

\`new KinesisWorker(options)\` takes these options. \`applicationName\`, \`processor\` and one of \`streamName\`, \`streamArn\`
and \`streams\` are required. A name that is not in these tables is refused, and so is a wrong value.

- **Library** is the default of \`KinesisWorker\`.
- **Command line** is the property that sets the option, with its default there. docs/OPTIONS.md has all properties.
  Where the two defaults differ, the command line's is in bold.
- **KCL** is the name that KCL has for it, with KCL's default where it differs from ours. "–": KCL has no such
  setting.
- Names that end in \`Ms\` are times in milliseconds.`;

function row(name: OptionName, field: Field): readonly string[] {
  const ofLibrary = libraryDefault(field);
  const property = propertyOf(name);
  const text = field.doc?.paragraphs.join(" ") ?? "";
  const kcl = property?.kcl === undefined ? /KCL: (`\w+`)\. ?/.exec(text)?.[1] : code(property.name);
  return [
    code(name),
    code(field.type),
    ofLibrary,
    property === undefined ? "–" : `${code(property.name)}: ${commandLineDefault(property, ofLibrary)}`,
    `${kcl ?? "–"}${kclDefault(property)}`,
    kcl === undefined ? text : text.replace(` KCL: ${kcl}.`, ""),
  ];
}

/** What KCL does where nothing is set, if that differs. */
function kclDefault(property: Property | undefined): string {
  if (property?.kcl === undefined || property.kcl === property.default) return "";
  return `: ${property.kcl}`;
}

function propertyOf(name: OptionName): Property | undefined {
  const found = PROPERTIES.find(({ effect }) => effect.type === "option" && effect.option === name);
  return found ?? PROPERTIES.find((property) => property.name === MADE_OF.get(name));
}

function libraryDefault({ isOptional, doc }: Field): string {
  if (!isOptional) return "required";
  const value = doc?.default;
  if (value === undefined) return "none";
  const literal = /^\{(.*)\}$/.exec(value)?.[1];
  return literal === undefined ? value : code(literal.replaceAll('"', ""));
}

function commandLineDefault(property: Property, ofLibrary: string): string {
  const isSaid = !ofLibrary.startsWith("`") || SAME_IN_OTHER_WORDS.has(property.name);
  const text = property.default.replace("see below", "see docs/OPTIONS.md");
  return isSaid || ofLibrary === code(text) ? text : `**${text}**`;
}

/** Defaults of the command line that differ in words alone. */
const SAME_IN_OTHER_WORDS: ReadonlySet<string> = new Set(["leaseTableScanTotalSegments"]);

function code(text: string): string {
  return `\`${text}\``;
}

/** In a cell a bar would end it. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

/**
 * The folders of src: what is there, and what each may import. `tidy_rules.ts` keeps it, and ARCHITECTURE.md
 * prints it.
 *
 * @module
 */

/** One folder. */
export interface Folder {
  /** What is there, for ARCHITECTURE.md. */
  readonly holds: string;
  /** Folders that it may import besides itself. */
  readonly any: readonly string[];
  /** What it may import with `import type` only: folders, or single files from the root of the repository. */
  readonly types?: readonly string[];
  /** What it may load while it runs, by `await import("…")`, besides their types. */
  readonly lazily?: readonly string[];
}

/** By name; `root` are the files of src itself. A folder within a folder is a room of its own. */
export const FOLDERS: Readonly<Record<string, Folder>> = {
  "stream": { holds: "shard, record, sequence number, hash keys, KPL aggregation. All pure", any: [] },
  "root": {
    holds:
      "errors, events, system (clock, chance, fetch), the rule of lag, nearest name, a bounded map, version; contracts of a child process, a CPU meter",
    any: ["stream"],
  },
  "async": { holds: "waiting, a shared task, a bell, a loop, a group of tasks: one of each", any: ["root"] },
  "lease": { holds: "what KCL decides. All pure, and the two storage contracts", any: ["stream", "root"] },
  "aws": {
    holds: "signed HTTP, retries, Kinesis, DynamoDB, event streams, CBOR; knows nothing of leases",
    any: ["stream", "root", "async"],
  },
  "aws/credential_sources": {
    holds: "where credentials come from, and the chain of these sources",
    any: ["root", "async", "aws"],
  },
  "store": {
    holds: "the contracts on DynamoDB and in memory, over one `ItemTable`",
    any: ["stream", "root", "lease", "aws"],
  },
  "retrieval": {
    holds: "how records come in: polling and its pacing, enhanced fan-out, read-ahead",
    any: ["stream", "root", "async"],
    types: ["aws"],
  },
  "consumer": {
    holds:
      "one leased shard: processor contract, consumer, streaks of failures, checkpointer, v1 adapter, modules",
    any: ["stream", "root", "async", "lease", "retrieval"],
    types: ["transact"],
  },
  "transact": {
    holds: "exactly once into DynamoDB: a transaction with the checkpoint; loaded when one is made",
    any: ["stream", "root", "aws", "lease"],
    types: ["consumer"],
  },
  "filters": {
    holds: "which records are delivered: functions, and Lambda's patterns. All pure",
    any: ["stream", "root"],
    types: ["failures"],
  },
  "failures": {
    holds: "error policy, dead letters and their sinks, batches, parallel lanes; loaded when asked for",
    any: [
      "stream",
      "root",
      "async",
      "aws",
      "lease",
      "retrieval",
      "consumer",
      "options",
      "filters",
      "failures/letters",
    ],
  },
  "failures/letters": {
    holds: "dead letters as they are stored, and the places that store them",
    any: ["stream", "root", "async", "aws"],
    types: ["failures"],
  },
  "failures/redrive": {
    holds: "dead letters read back into a processor",
    any: ["stream", "root", "async", "aws", "consumer", "failures/letters", "dynamodb_streams"],
  },
  "failures/file": {
    holds: "the entry point of dead letters in a file",
    any: ["failures/letters", "host"],
    types: ["failures", "failures/redrive"],
  },
  "lambda": {
    holds: "Lambda handlers, and Lambda's runtime API for any language, as processors",
    any: ["stream", "root", "async", "consumer", "multilang"],
  },
  "options": {
    holds: "what users may set, checked, and the settings made of it",
    any: ["stream", "root", "aws", "lease"],
    types: ["retrieval", "consumer", "store", "failures"],
  },
  "fleet": {
    holds: "taking part in a fleet: reporting, leading, syncing shards and streams",
    any: ["stream", "root", "async", "lease", "aws", "options"],
  },
  "observe": {
    holds: "listeners: totals, forecast, verdict, watch for faults, metrics, log",
    any: ["stream", "root", "aws"],
  },
  "health": {
    holds: "the health app: probes, metrics, and the fleet as a live page",
    any: [
      "stream",
      "root",
      "async",
      "aws",
      "aws/credential_sources",
      "lease",
      "store",
      "observe",
      "operate",
      "health/page",
    ],
    types: ["options"],
  },
  "health/page": {
    holds: "the fleet page: what it shows, and how. All pure",
    any: ["stream", "root", "lease", "observe", "operate"],
  },
  "worker": {
    holds: "puts the parts together; holding leases",
    any: [
      "stream",
      "root",
      "async",
      "lease",
      "aws",
      "aws/credential_sources",
      "store",
      "retrieval",
      "consumer",
      "options",
      "fleet",
      "observe",
    ],
    lazily: ["failures", "transact", "dynamodb_streams"],
  },
  "edge": {
    holds: "a worker in bounded slices, and the entry point of these two rooms",
    any: [
      "stream",
      "root",
      "async",
      "lease",
      "aws",
      "aws/credential_sources",
      "store",
      "retrieval",
      "consumer",
      "options",
      "fleet",
      "observe",
      "worker",
      "edge/adapters",
    ],
    types: ["failures", "transact"],
  },
  "edge/adapters": {
    holds: "slices on Durable Objects, crons, Lambda and HTTP triggers, each by its platform's own shapes",
    any: ["root", "aws", "aws/credential_sources"],
    types: ["edge"],
  },
  "decode": {
    holds: "typed records: decoders, schemas, and the processor around them; an entry point of its own",
    any: ["stream", "root", "async", "consumer", "observe"],
  },
  "glue": {
    holds: "decoders of records that name their schema, for two registries; an entry point of its own",
    any: ["stream", "root", "async", "aws", "aws/credential_sources", "decode"],
  },
  "producer": {
    holds: "puts records into a stream, in order of each key; an entry point of its own",
    any: ["stream", "root", "aws", "aws/credential_sources"],
  },
  "sql": {
    holds: "exactly once into a database of SQL: results, position and fencing token in one transaction",
    any: ["stream", "root", "consumer"],
  },
  "dynamodb_streams": {
    holds:
      "streams of DynamoDB's tables, read as those of Kinesis; loaded when needed; an entry point of its own",
    any: ["stream", "root", "aws", "aws/credential_sources"],
  },
  "cloudwatch": {
    holds: "events as CloudWatch metrics, with KCL's names; the entry point of it",
    any: ["stream", "root", "async", "aws", "aws/credential_sources", "observe"],
  },
  "otel": {
    holds: "spans and metrics of OpenTelemetry; its entry point, which alone needs its package",
    any: ["stream", "root", "consumer"],
  },
  "operate": {
    holds: "what operators see of any KCL fleet: leases, workers, lag, reasons",
    any: ["stream", "root", "async", "lease", "aws", "store", "observe"],
    lazily: ["dynamodb_streams"],
  },
  "operate/check": {
    holds: "what a start would do and need; what to create beforehand",
    any: ["stream", "root", "async", "lease", "aws", "store", "options", "fleet", "operate"],
  },
  "operate/change": {
    holds: "checkpoints moved and copied, leases handed over, workers drained",
    any: ["stream", "root", "async", "lease", "aws", "store", "operate"],
  },
  "operate/records": {
    holds: "records read and put without leases",
    any: ["stream", "root", "async", "aws", "retrieval", "operate"],
  },
  "terminal": {
    holds: "what a command shows to people: tables, colours, progress, live views",
    any: ["root", "async"],
  },
  "properties": { holds: "the properties file", any: ["stream", "root"], types: ["options"] },
  "multilang": {
    holds: "a record processor that lives in a child process",
    any: ["stream", "root", "async", "consumer"],
  },
  "testing": {
    holds: "the entry point of the four rooms below",
    any: ["testing/model", "testing/emulator", "testing/simulation", "testing/unit"],
    types: ["testing/emulator/cloudwatch", "aws"],
  },
  "testing/model": {
    holds: "a stream, its shards and limits, as the two below share them",
    any: ["stream", "root", "aws", "lease"],
  },
  "testing/emulator": {
    holds: "Kinesis and DynamoDB in real time, as a `fetch`; the program that serves it",
    any: [
      "stream",
      "root",
      "async",
      "aws",
      "testing/model",
      "testing/emulator/kinesis",
      "testing/emulator/dynamodb",
      "testing/emulator/cloudwatch",
    ],
  },
  "testing/emulator/cloudwatch": {
    holds: "what is put into CloudWatch, kept",
    any: ["testing/emulator"],
  },
  "testing/emulator/kinesis": {
    holds: "the operations of Kinesis",
    any: ["stream", "root", "aws", "testing/model", "testing/emulator"],
  },
  "testing/emulator/dynamodb": {
    holds: "the operations of DynamoDB, and its expressions",
    any: ["stream", "root", "aws", "testing/model", "testing/emulator"],
  },
  "testing/simulation": {
    holds: "whole fleets on virtual time, with faults, and the rules that they must keep",
    any: [
      "stream",
      "root",
      "async",
      "lease",
      "aws",
      "store",
      "consumer",
      "failures",
      "options",
      "worker",
      "transact",
      "edge",
      "observe",
      "testing/model",
    ],
    types: ["sql"],
  },
  "testing/unit": {
    holds: "to test one processor or one store alone",
    any: ["stream", "root", "lease", "store", "consumer", "transact"],
  },
  "command": {
    holds: "one run of the command line, on what its process hands in",
    any: [
      "root",
      "async",
      "aws",
      "aws/credential_sources",
      "consumer",
      "options",
      "observe",
      "health",
      "worker",
      "properties",
      "multilang",
      "lambda",
      "host",
      "failures",
      "failures/letters",
      "failures/redrive",
      "failures/file",
      "cloudwatch",
    ],
    types: ["terminal"],
  },
  "command/operate": {
    holds: "the commands of an operator: their table, their arguments, what they print",
    any: [
      "stream",
      "root",
      "async",
      "lease",
      "aws",
      "store",
      "options",
      "observe",
      "properties",
      "host",
      "terminal",
      "operate",
      "operate/check",
      "operate/change",
      "operate/records",
      "cloudwatch",
      "sql",
      "command",
    ],
  },
  "credentials": {
    holds: "the entry point of sources of credentials, and of AWS's settings for endpoints",
    any: ["root", "aws", "aws/credential_sources", "host"],
  },
  "host": { holds: "the only folder that names Deno, `node:` or `process`", any: ["root"] },
};

/** The table as ARCHITECTURE.md has it, laid out as `deno fmt` would. */
export function foldersMarkdown(): string {
  const rows = Object.entries(FOLDERS).map(([name, { holds, any, types = [], lazily = [] }]) => [
    code(pathOf(name)),
    holds,
    [
      ...any.map(short),
      ...types.map((type) => `${short(type)} (types)`),
      ...lazily.map((folder) => `${short(folder)} (when needed)`),
    ].join(", ") || "nothing",
  ]);
  const all = [
    ["folder", "what is there", "may import"],
    ...rows,
    ["`cli.ts`", "the only place that prints or exits", "everything"],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], filler: string) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, filler)).join(" | ")} |`;
  const [head = [], ...others] = all;
  return [line(head, " "), line(["", "", ""], "-"), ...others.map((row) => line(row, " "))].join("\n");
}

/** Finds the table in ARCHITECTURE.md. */
const TABLE = /(?<=^## Files\n\n)\|[^]*?(?=\n\n)/m;

/** The text of ARCHITECTURE.md with the table as it is kept. */
export function withFolders(architecture: string): string {
  if (!TABLE.test(architecture)) {
    throw new Error('Cannot write the table of folders: expected it in ARCHITECTURE.md below "## Files"');
  }
  return architecture.replace(TABLE, () => foldersMarkdown());
}

function pathOf(folder: string): string {
  return folder === "root" ? "src/*.ts" : `src/${folder}`;
}

function short(name: string): string {
  return name === "root" ? "src/*.ts" : name.replace(/^src\/(.*)\.ts$/, "$1");
}

function code(text: string): string {
  return `\`${text}\``;
}

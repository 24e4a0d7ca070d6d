/**
 * Makes docs/observing.md from the source: events, metrics, faults, errors and alarms.
 *
 * @module
 */

import { AwsServiceError } from "../src/errors.ts";
import type { LeaseLossReason, WorkerEvent } from "../src/events.ts";
import { ADVICE } from "../src/observe/advice.ts";
import { countsOf } from "../src/observe/counts.ts";
import { logLine } from "../src/observe/log_lines.ts";
import { metricsText } from "../src/observe/metrics.ts";
import { Totals } from "../src/observe/totals.ts";
import { type FaultCode, healthOf } from "../src/observe/verdict.ts";
import { SAMPLE_EVENTS } from "../tests/observe/sample_events.ts";
import { alarmRulesYaml } from "./alarm_rules.ts";
import { type Doc, docOfExport, type Field, type Member, unionMembers } from "./source_docs.ts";

/** Where the text belongs. */
export const OBSERVING_FILE: URL = new URL("observing.md", import.meta.url);

/** The groups of events, each with its file and its union. */
const EVENT_GROUPS = [
  { title: "The worker as a whole", file: "worker_events.ts", union: "WorkerLifeEvent" },
  { title: "Leadership and leases", file: "lease_events.ts", union: "LeaseEvent" },
  { title: "One shard", file: "shard_events.ts", union: "ShardEvent" },
  { title: "Requests to AWS", file: "request_events.ts", union: "RequestEvent" },
] as const;

/** Texts that events use as reasons, and so on. */
const WORD_GROUPS = [
  { title: "Why a lease is lost (`leaseLost`)", file: "lease_events.ts", union: "LeaseLossReason" },
  { title: "Loops (`passFailed`)", file: "worker_events.ts", union: "LoopPass" },
] as const;

const ERROR_CLASSES = [
  "LeaseLostError",
  "ProcessorRestartError",
  "StoreUnavailableError",
  "StoreMovedError",
  "AwsServiceError",
  "CredentialsError",
  "LeaseTableError",
] as const;

/** The whole text of docs/observing.md. */
export async function observingMarkdown(): Promise<string> {
  const events = await Promise.all(EVENT_GROUPS.map(async ({ title, file, union }) => {
    const members = unionMembers(await sourceOf(file), union);
    return section(`### ${title}`, ["Event", "When", "Payload", "Log", "Counters"], members.map(eventRow));
  }));
  const words = await Promise.all(WORD_GROUPS.map(async ({ title, file, union }) => {
    const members = unionMembers(await sourceOf(file), union);
    return section(
      `### ${title}`,
      ["Value", "Meaning"],
      members.map(({ text, doc }) => [quoted(text), all(doc)]),
    );
  }));
  const errors = await sourceOf("errors.ts");
  return [
    HEAD,
    ...events,
    ...words,
    `## The page\n\n${PAGE}\n\n${PICTURE}`,
    `## Metrics\n\n${METRICS_HEAD}`,
    section("", ["Metric", "Type", "Labels", "Meaning"], metricRows()),
    `## Faults\n\n${FAULTS_HEAD}`,
    section("", ["Code", "What is wrong", "What to do"], await faultRows()),
    `## Errors\n\n${ERRORS_HEAD}`,
    section(
      "",
      ["Class", "When", "What to do"],
      ERROR_CLASSES.map((name) => errorRow(name, docOfExport(errors, name))),
    ),
    `## Alarms\n\n${ALARMS_HEAD}\n\n\`\`\`yaml\n${alarmRulesYaml()}\n\`\`\`\n`,
  ].map((text) => text.trim()).join("\n\n") + "\n";
}

const HEAD = `<!-- deno-fmt-ignore-file -->
<!-- Made by docs/observing_page.ts from src: change the comments there, then run \`deno task docs\`. -->

# Observing a worker

A worker reports everything that happens as an event. The log, \`/health\` and \`/metrics\` are listeners to these
events, and your \`onEvent\` is another. An event is a plain object; its field \`type\` says which.

\`\`\`ts ignore
const worker = new KinesisWorker({
  ...options,
  onEvent(event) {
    if (event.type === "leaseLost") console.log(event.shardId, event.reason);
  },
});
\`\`\`

- A listener should return at once, and must not throw.
- Times end in \`Ms\` or are called \`ms\`. They are milliseconds.
- An optional value is present and \`undefined\`, never left out.
- \`leaseKey\` is the shard's id. With many streams it is \`account:stream:epoch:shardId\`.
- New versions may add events and fields. Ignore those that you do not know.

## Events

"Log" is the level of the line that the log writes; "–": no line. "Counters" are the metrics that the event adds to.`;

const PICTURE = "![The page of a fleet of three workers](images/fleet-light.png)";

const PAGE = `\`/\` of the health app is a page for people. Any worker shows the whole fleet:

- Its own shards as it knows them itself: phase, lag, pace, running callbacks and errors.
- The shards of other workers as the lease table shows them.
- Who reads which part of the hash keys, and what nobody reads.
- Each worker's leases, CPU, throughput and last report, and which one leads.
- What is wrong, and what to do about it.

Shards stand the worst first, a hundred on a page. The heads of the table sort them, and a search finds keys and workers.
Each view is an address, such as \`/?find=orders-a&order=lag\`, that can be sent to a colleague.

The command line does this by itself where \`healthPort\` is set. In a program, give the options of the worker:

\`\`\`ts ignore
const app = healthApp(totals, { fleet: fleetOf(options) });
\`\`\`

Without \`fleet\` the page shows its own worker, and says so.

**What it costs.** The lease table is scanned while somebody has the page open, once in ten seconds at most, for all browsers of
a worker together. Nobody looks: nothing is scanned. A scan is eventually consistent, and reads one part of the table after
the other. In a PROVISIONED table it takes a quarter of the read capacity at most. After a scan that fails or is
throttled, the page keeps what it had, with its age and the reason. The next scan then waits longer each time, up to five minutes.

**What it needs.** No permission that a worker has not: \`dynamodb:Scan\`, \`GetItem\` and \`DescribeTable\`. What is refused is named on the
page, and the rest is shown.

**Live.** \`/events\` sends what changes as server-sent events, every two seconds at most. A browser that does not read for a minute is
let go. There are 64 browsers of a worker at most; the next one gets 503 with \`Retry-After\`. A proxy in between must not
buffer: the answer has \`x-accel-buffering: no\` for nginx. Without scripts the page loads itself again every ten seconds.

**Who may see it.** With \`token\`, on the command line \`healthToken\`, all but \`/live\` and \`/ready\` needs it. A browser asks for it as a
password, with any name, and sends it with \`/events\` too. The page asks no other host for anything.`;

const METRICS_HEAD =
  `\`/metrics\` is text for Prometheus. \`metricsText()\` in \`@kclite/kclite/health\` makes the same text. Units are
seconds and bytes. A summary has \`_sum\` and \`_count\`, and no quantiles. No counter has a shard as a label, since
shards come and go. A gauge without a value is left out, e.g. \`kclite_max_lag_seconds\` before the first page.`;

const FAULTS_HEAD =
  `\`/health\` lists faults by these codes, and answers 503 while there is one. The log writes a line when a fault
begins and when it ends. \`/live\` answers 503 only for \`eventLoopOverdue\`, \`callbackOverdue\` and \`loopEnded\`, which a
restart may mend. The limits are options of \`healthApp()\`.`;

const ERRORS_HEAD =
  `Errors that you may want to catch by class. All other errors are \`TypeError\`, \`RangeError\` or \`SyntaxError\`: a wrong
option or a wrong call. Their message says what was wanted and what was found.`;

const ALARMS_HEAD =
  `Rules for Prometheus. \`page\` is for at once, \`ticket\` for the next working day. The figures are a start: change
them to what your application can bear. \`deploy/prometheus/kclite.rules.yaml\` has them as a file, and \`deploy/grafana/kclite.json\` is a
dashboard. [troubleshooting.md](troubleshooting.md#alarms) says what to do for each alarm.`;

/** Log lines of every kind, as the sample events make them. */
export async function sampleLines(): Promise<readonly string[]> {
  const unions = await Promise.all(
    EVENT_GROUPS.map(async ({ file, union }) => unionMembers(await sourceOf(file), union)),
  );
  return unions.flat().flatMap(({ fields }) =>
    variants(SAMPLE_EVENTS[typeOf(fields)], fields).flatMap((event) => logLine(event)?.text ?? [])
  );
}

async function sourceOf(file: string): Promise<string> {
  return await Deno.readTextFile(new URL(`../src/${file}`, import.meta.url));
}

function eventRow({ doc, fields }: Member): readonly string[] {
  const [, ...payload] = fields;
  const name = typeOf(fields);
  const events = variants(SAMPLE_EVENTS[name], fields);
  const counters = new Set(events.flatMap((event) => countsOf(event).map((count) => code(count.name))));
  const levels = new Set(events.map((event) => logLine(event)?.level ?? "–"));
  return [
    code(name),
    all(doc),
    payload.map(fieldText).join("<br>"),
    [...levels].toSorted(byLevel).join(", "),
    [...counters].join("<br>"),
  ];
}

/** The event's name, which is the type of its first field. */
function typeOf([type]: readonly Field[]): WorkerEvent["type"] {
  return (type?.type ?? "").replaceAll('"', "") as WorkerEvent["type"];
}

function fieldText({ name, type, doc }: Field): string {
  return `${code(`${name}: ${type}`)}${doc === undefined ? "" : ` – ${all(doc)}`}`;
}

function byLevel(a: string, b: string): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b);
}

const LEVELS: readonly string[] = ["–", "debug", "info", "warning", "error"];

/** The event with every choice of the values on which a line or a count may depend. */
function variants(event: WorkerEvent, fields: readonly Field[]): readonly WorkerEvent[] {
  let found: readonly WorkerEvent[] = [event];
  for (const { name, type } of fields) {
    if (name === "type") continue;
    const values = [
      ...(OTHER_VALUES.get(name) ?? []),
      ...(type === "boolean" ? [true, false] : []),
      ...(type === "LeaseLossReason" ? LOSSES : []),
      ...[...type.matchAll(/"([^"]*)"/g)].map((match) => match[1]),
    ];
    const changed = (each: WorkerEvent) => values.map((value) => ({ ...each, [name]: value }) as WorkerEvent);
    found = found.flatMap((each) => [each, ...changed(each)]);
  }
  return found;
}

/** Some of the reasons, for the texts of lines. */
const LOSSES: readonly LeaseLossReason[] = ["taken", "expired", "superseded"];

const RETRYABLE = new AwsServiceError({
  service: "kinesis",
  operation: "GetRecords",
  code: "InternalFailure",
  status: 500,
  requestId: undefined,
  retryable: true,
  detail: "",
  body: undefined,
});

/** Values of fields that are no choice of words. */
const OTHER_VALUES: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ["error", [undefined, new Error("no luck"), RETRYABLE]],
  ["retryInMs", [undefined]],
  ["created", [0]],
  ["assigned", [0]],
  ["records", [0]],
  ["callback", ["initialize"]],
  ["code", ["TimeoutError", "ThrottlingException"]],
  ["at", [{ sequenceNumber: "SHARD_END", subSequenceNumber: 0 }]],
]);

/** Every metric, from a worker to which everything has happened. */
function metricRows(): readonly (readonly string[])[] {
  let nowMs = 1000;
  const totals = new Totals({
    monotonicMs: () => nowMs,
    epochMs: () => nowMs,
    sleep: () => Promise.resolve(),
  });
  for (const event of Object.values(SAMPLE_EVENTS)) totals.listener(event);
  totals.listener({ ...SAMPLE_EVENTS.requestSent, code: "ThrottlingException", status: 400 });
  for (
    const type of [
      "workerStarting",
      "workerReady",
      "leadershipGained",
      "assignmentPass",
      "leaseGained",
    ] as const
  ) {
    totals.listener(SAMPLE_EVENTS[type]);
  }
  // Long enough for a forecast: a shard that falls behind.
  totals.listener(SAMPLE_EVENTS.streamDescribed);
  for (let minute = 0; minute < 15; minute++) {
    nowMs += 60_000;
    totals.listener({ ...SAMPLE_EVENTS.batchProcessed, millisBehindLatest: nowMs });
  }
  const snapshot = { ...totals.snapshot(), leaseHeldMs: 1000 };
  const text = metricsText(snapshot, healthOf(snapshot));
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)\n((?:[^#].*\n)*)/gm)].map(
    ([, name = "", help = "", type = "", samples = ""]) => {
      const labels = new Set([...samples.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => code(label)));
      return [code(name), type, [...labels].join(", "), help];
    },
  );
}

async function faultRows(): Promise<readonly (readonly string[])[]> {
  const own = unionMembers(await sourceOf("observe/verdict.ts"), "FaultCode");
  const fleet = unionMembers(await sourceOf("lease_events.ts"), "FleetFaultCode");
  return own.flatMap((member) => member.text === "FleetFaultCode" ? fleet : [member]).map(({ text, doc }) => {
    const name = text.replaceAll('"', "");
    return [code(name), all(doc), ADVICE[name as FaultCode]];
  });
}

function errorRow(name: string, doc: Doc): readonly string[] {
  const [wrong = "", remedy = ""] = all(doc).split(" What to do: ");
  return [code(name), wrong, sentence(remedy)];
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) =>
    `| ${cells.map(escaped).join(" | ")} |`
  );
  return `${title}\n\n${lines.join("\n")}`;
}

function all(doc: Doc | undefined): string {
  return doc?.paragraphs.join(" ") ?? "";
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function quoted(text: string): string {
  return code(text.replaceAll('"', ""));
}

function code(text: string): string {
  return `\`${text}\``;
}

/** In a cell a bar would end it. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

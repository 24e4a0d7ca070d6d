// Pure.
/**
 * A fleet's description as lines of text.
 *
 * @module
 */

import { counted, durationText, numberText } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { FleetDescription, LeaseRow, LeaseState, WorkerRow } from "../../operate/describe.ts";
import { type Column, tableLines } from "../../terminal/text_table.ts";
import type { Tone } from "../../terminal/text_width.ts";

/** How lines are made. */
export interface DescriptionStyle {
  /** How wide a line may be. */
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
  readonly sections: ReadonlySet<"summary" | "workers" | "leases">;
}

/** The lines. */
export function descriptionLines(fleet: FleetDescription, style: DescriptionStyle): string[] {
  const { sections, columns } = style;
  const blocks = [
    sections.has("summary") ? summaryLines(fleet, style) : [],
    sections.has("workers") ? tableLines(fleet.workers, workerColumns(style), columns) : [],
    ...(sections.has("leases") ? leaseBlocks(fleet, style) : []),
    fleet.notRead.map((text) => style.paint("warning", oneLine(text))),
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, at) => at === 0 ? block : ["", ...block]);
}

const STATES: readonly (readonly [LeaseState, string, Tone | undefined])[] = [
  ["held", "held", "good"],
  ["assigned", "assigned", undefined],
  ["handoff", "in a handoff", "warning"],
  ["notRenewed", "not renewed", "bad"],
  ["free", "free", "bad"],
  ["finished", "finished", "dim"],
];

function summaryLines(fleet: FleetDescription, style: DescriptionStyle): string[] {
  const { leases, workers, leader, table } = fleet;
  const states = STATES.flatMap(([state, word]) => {
    const count = leases.filter((lease) => lease.state === state).length;
    return count === 0 ? [] : [`${numberText(count)} ${word}`];
  });
  const alive = workers.filter(({ state }) => state === "reports").length;
  const others = [
    [workers.filter(({ state }) => state === "silent").length, "silent"],
    [workers.filter(({ state }) => state === "noReport").length, "without a report"],
    [workers.filter(({ drainingSinceEpochS }) => drainingSinceEpochS !== undefined).length, "draining"],
  ] as const;
  const led = leader === undefined
    ? style.paint("bad", "no leader")
    : `led by ${oneLine(leader.workerId)}${
      leader.isRenewed === false ? style.paint("bad", ", whose lock stands still") : ""
    }`;
  return [
    `${style.paint("bold", oneLine(fleet.tableName))}: ${
      [counted(leases.length, "lease"), ...states].join(", ").replace(", ", ": ")
    }`,
    `${counted(workers.length, "worker")}: ${
      [`${alive} reporting`, ...others.flatMap(([count, word]) => count === 0 ? [] : [`${count} ${word}`])]
        .join(", ")
    }; ${led}`,
    tableText(table),
    ...table.migrations.map(({ key, value, modifiedBy }) =>
      oneLine(`${key}: ${value}, set by ${modifiedBy}`)
    ),
    ...(fleet.unreadable.length === 0 ? [] : [
      style.paint("bad", `${counted(fleet.unreadable.length, "row")} cannot be read as leases or reports:`),
    ]),
    ...fleet.unreadable.slice(0, MOST_UNREADABLE).map(({ key, problem }) => oneLine(`  ${key}: ${problem}`)),
  ];
}

/** Rows that get a line of their own. JSON has all of them. */
const MOST_UNREADABLE = 10;

function tableText(
  { status, billingMode, readCapacity, writeCapacity, ownerIndex, format }: FleetDescription["table"],
): string {
  const billing = billingMode === "PROVISIONED"
    ? `${readCapacity} read and ${writeCapacity} write units`
    : billingMode === undefined
    ? undefined
    : "on demand";
  const formats = {
    single: "one table (KCL 3.5)",
    legacy: "three tables (KCL 3.0 to 3.4)",
    unknown: undefined,
  };
  return `Table: ${
    [
      status ?? "not described",
      billing,
      status === undefined ? undefined : `index ${ownerIndex ?? "missing"}`,
      formats[format],
    ].filter((part) => part !== undefined).join(", ")
  }`;
}

function workerColumns({ paint }: DescriptionStyle): readonly Column<WorkerRow>[] {
  return [
    { title: "WORKER", cell: ({ workerId }) => oneLine(workerId) },
    {
      title: "REPORT",
      cell: ({ state, reportAgeMs }) => {
        if (state === "noReport") return paint("warning", "none");
        const text = reportAgeMs === undefined ? "unreadable" : `${durationText(reportAgeMs)} ago`;
        return state === "silent" ? paint("bad", text) : text;
      },
    },
    { title: "LEASES", align: "right", cell: ({ leases }) => numberText(leases) },
    { title: "KB/S", align: "right", cell: ({ throughputKBps }) => throughputKBps.toFixed(1) },
    {
      title: "CPU",
      align: "right",
      cell: ({ cpuPercent, cpuLimitPercent }) =>
        cpuPercent === undefined
          ? "–"
          : `${cpuPercent.toFixed(0)} %${
            cpuLimitPercent === undefined ? "" : ` of ${cpuLimitPercent.toFixed(0)}`
          }`,
    },
    {
      title: "NOTE",
      shrink: "end",
      cell: ({ isLeader, drainingSinceEpochS, state }) =>
        [
          ...(isLeader ? ["leader"] : []),
          ...(drainingSinceEpochS === undefined ? [] : ["draining"]),
          ...(state === "silent" ? ["silent"] : []),
        ].join(", "),
    },
  ];
}

/** Of many streams each has a block of its own. */
function leaseBlocks(fleet: FleetDescription, style: DescriptionStyle): string[][] {
  const streams = [...new Set(fleet.leases.map(({ streamIdentifier }) => streamIdentifier))];
  return streams.map((stream) => {
    const rows = fleet.leases.filter(({ streamIdentifier }) => streamIdentifier === stream);
    const lines = tableLines(rows, leaseColumns(rows, style), style.columns);
    return stream === undefined ? lines : [style.paint("bold", oneLine(stream)), ...lines];
  });
}

/** Columns that say nothing of any row are left out. */
function leaseColumns(rows: readonly LeaseRow[], { paint }: DescriptionStyle): readonly Column<LeaseRow>[] {
  const some = (has: (row: LeaseRow) => boolean, column: Column<LeaseRow>) => rows.some(has) ? [column] : [];
  return [
    { title: "LEASE", cell: ({ shardId }) => oneLine(shardId) },
    {
      title: "STATE",
      shrink: "never",
      cell: ({ state }) => {
        const [, word = state, tone] = STATES.find(([name]) => name === state) ?? [];
        return tone === undefined ? word : paint(tone, word);
      },
    },
    {
      title: "OWNER",
      cell: ({ owner, nextOwner }) =>
        owner === undefined ? "–" : oneLine(nextOwner === undefined ? owner : `${owner} → ${nextOwner}`),
    },
    {
      title: "CHECKPOINT",
      cell: ({ checkpoint, hasFinishedAhead }) =>
        `${shortCheckpoint(checkpoint)}${hasFinishedAhead ? " +" : ""}`,
    },
    ...some(({ counterMoved }) => counterMoved !== undefined, {
      title: "COUNTER",
      align: "right",
      cell: ({ leaseCounter, counterMoved }) =>
        counterMoved === undefined
          ? `${leaseCounter}`
          : `${leaseCounter} (${counterMoved < 0 ? "" : "+"}${counterMoved})`,
    }),
    ...some(({ throughputKBps }) => throughputKBps !== undefined, {
      title: "KB/S",
      align: "right",
      cell: ({ throughputKBps }) => throughputKBps?.toFixed(1) ?? "–",
    }),
    ...some(({ lagMs }) => lagMs !== undefined, {
      title: "LAG",
      align: "right",
      cell: ({ lagMs }) => lagMs === undefined ? "–" : durationText(lagMs),
    }),
    ...some(({ recordsPerSecond }) => recordsPerSecond !== undefined, {
      title: "RECORDS/S",
      align: "right",
      cell: ({ recordsPerSecond }) => recordsPerSecond?.toFixed(1) ?? "–",
    }),
    ...some(({ ownerSwitchesSinceCheckpoint }) => ownerSwitchesSinceCheckpoint > 0, {
      title: "SWITCHES",
      align: "right",
      cell: ({ ownerSwitchesSinceCheckpoint }) => `${ownerSwitchesSinceCheckpoint}`,
    }),
    ...some(({ parentShardIds }) => parentShardIds.length > 0, {
      title: "PARENTS",
      cell: ({ parentShardIds }) => parentShardIds.map(shortShard).join(" "),
    }),
    ...some(({ childShardIds }) => childShardIds.length > 0, {
      title: "CHILDREN",
      cell: ({ childShardIds }) => childShardIds.map(shortShard).join(" "),
    }),
  ];
}

/** Sequence numbers differ in their last digits. */
function shortCheckpoint(text: string): string {
  return /^\d{15,}/.test(text) ? `…${text.slice(-13)}` : oneLine(text);
}

/** `shardId-000000000012` is `12`. */
function shortShard(shardId: string): string {
  return oneLine(/^shardId-0*(\d+)$/.exec(shardId)?.[1] ?? shardId);
}

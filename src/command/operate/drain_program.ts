/**
 * Runs `kclite drain`.
 *
 * @module
 */

import { oneLine } from "../../observe/one_line.ts";
import { cancelDrain, type DrainOutcome, drainWorker } from "../../operate/change/drain.ts";
import type { FleetLeader } from "../../operate/change/fleet_view.ts";
import { type CommandRun, MAX_RCU } from "./command_spec.ts";
import { CANCEL, DRAIN_TIMEOUT } from "./drain_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** By default, in ms. */
const TIMEOUT_MS = 600_000;
/** How many keys are named in a message. */
const SHOWN_KEYS = 5;

/** Runs it. */
export async function drain(run: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, isJson, signal } = context;
  const [workerId = ""] = run.operands;
  const maxRcu = run.flags.of(MAX_RCU);
  const fleet = await context.openFleet();
  const report = reportsOf(context);
  if (run.flags.has(CANCEL)) {
    const { wasFound, wasMarked } = await cancelDrain(fleet, { workerId, maxRcu }, signal);
    if (isJson) {
      const outcome = !wasFound ? "refused" : wasMarked ? "cancelled" : "notDrained";
      terminal.print(JSON.stringify({ outcome, workerId }, undefined, 2));
    }
    if (!wasFound) {
      report.fail(`Cannot end the drain of worker "${workerId}": no worker of this name reports`);
      return 1;
    }
    report.say(
      wasMarked
        ? `${workerId} may be given leases again.`
        : `${workerId} was not drained. Nothing has changed.`,
    );
    return 0;
  }
  const { options: { maxLeasesForWorker = Infinity } } = await context.configuration();
  const progress = terminal.progress(`Draining ${oneLine(workerId)}`, "lease");
  let outcome: DrainOutcome;
  try {
    outcome = await drainWorker(fleet, {
      workerId,
      maxRcu,
      maxLeasesForWorker,
      timeoutMs: run.flags.of(DRAIN_TIMEOUT) ?? TIMEOUT_MS,
      onMarked: (leader, leases) => report.say(markedText(workerId, leader, leases)),
      onLeft: (left, _pending, total) => progress.update(Math.max(0, total - left), total),
      onStall: (stalledMs) => {
        const seconds = Math.round(stalledMs / 1000);
        report.say(
          `No lease has moved for ${seconds} s. The other workers may have no room (maxLeasesForWorker), or no leader ` +
            "that knows drains leads.",
        );
      },
    }, signal);
  } finally {
    progress.end();
  }
  if (isJson) terminal.print(JSON.stringify(documentOf(workerId, outcome), undefined, 2));
  return ended(workerId, outcome, report);
}

/** How a command says things. */
interface Report {
  readonly say: (text: string) => void;
  readonly fail: (text: string) => void;
}

function reportsOf({ terminal, isJson, log }: OperateContext): Report {
  return {
    say: (text) => isJson ? undefined : terminal.print(oneLine(text)),
    fail: (text) => log({ level: "error", text: oneLine(text) }),
  };
}

function markedText(workerId: string, { workerId: leader, kind }: FleetLeader, leases: number): string {
  const count = countOf(leases);
  switch (kind) {
    case "kclite":
      return `${workerId} is marked. ${leader} leads, and hands over its ${count}.`;
    case "other":
      return `${workerId} is marked, but ${leader} leads, which is no worker of kclite and does not know drains. ` +
        `Each of its ${count} is handed over once.`;
    case "none":
      return `${workerId} is marked. Nobody leads now; the next leader of kclite hands over its ${count}.`;
    case "unknown":
      return `${workerId} is marked. The leader's lock may not be read, so each of its ${count} is handed over once.`;
  }
}

function ended(workerId: string, outcome: DrainOutcome, { say, fail }: Report): number {
  if (outcome.type === "refused") {
    fail(`Cannot drain worker "${workerId}": ${outcome.reason}`);
    return 1;
  }
  const { type, left, givenBack, moved, finished, leader, passedMs } = outcome;
  const seconds = Math.round(passedMs / 1000);
  const named = left.length > SHOWN_KEYS ? `${left.slice(0, SHOWN_KEYS).join(", ")}, …` : left.join(", ");
  if (type !== "done") {
    const why = type === "lost"
      ? "its mark is gone, as when its process was started again or its item was deleted: drain it again"
      : "they stay with it until another worker has room, and the mark stays: start a worker, or raise maxLeasesForWorker";
    fail(
      `Cannot drain worker "${workerId}": it has ${
        countOf(left.length)
      } after ${seconds} s (${named}): ${why}`,
    );
    return 1;
  }
  const rest = finished === 0 ? "" : ` ${countOf(finished)} of finished shards wait to be cleaned up.`;
  if (left.length === 0) {
    say(`${workerId} has nothing to read after ${seconds} s: ${countOf(moved)} moved.${rest}`);
  } else {
    const back = givenBack.length === 0 ? "" : ` ${countOf(givenBack.length)} came back.`;
    say(`${workerId} still has ${countOf(left.length)} after ${seconds} s (${named}).${back}${rest}`);
  }
  if (leader.kind === "kclite" || leader.kind === "none") return 0;
  const who = leader.workerId ?? "The leader";
  say(`${who} does not know drains, and may give leases back to it. Stop ${workerId} soon.`);
  return 3;
}

function countOf(leases: number): string {
  return leases === 1 ? "1 lease" : `${leases} leases`;
}

function documentOf(workerId: string, outcome: DrainOutcome): unknown {
  if (outcome.type === "refused") return { outcome: "refused", workerId, reason: outcome.reason };
  const { type, leader, moved, left, givenBack, finished, passedMs } = outcome;
  return {
    outcome: type,
    workerId,
    leader: leader.workerId ?? null,
    leaderKnowsDrains: leader.kind === "unknown" ? null : leader.kind === "kclite",
    moved,
    left,
    givenBack,
    finished,
    passedMs: Math.round(passedMs),
  };
}

/**
 * Runs `kclite handoff`.
 *
 * @module
 */

import { HANDOFF_TIMEOUT_MS } from "../../lease/handoff.ts";
import { oneLine } from "../../observe/one_line.ts";
import { type HandoffOutcome, handOver } from "../../operate/change/handoff.ts";
import type { HandoffPhase } from "../../operate/change/handoff_state.ts";
import { type CommandRun, MAX_RCU } from "./command_spec.ts";
import { HANDOFF_TIMEOUT, NO_WAIT, TO } from "./handoff_spec.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs it. */
export async function handoff(run: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, isJson, signal, log } = context;
  const [lease = ""] = run.operands;
  const to = run.flags.of(TO);
  if (to === undefined) {
    log({
      level: "error",
      text: `Cannot hand over lease "${oneLine(lease)}": expected --to WORKER: got none`,
    });
    return 2;
  }
  const fleet = await context.openFleet();
  const { options } = await context.configuration();
  const { gracefulLeaseHandoffTimeoutMs = HANDOFF_TIMEOUT_MS } = options;
  const timeoutMs = run.flags.has(NO_WAIT)
    ? undefined
    : run.flags.of(HANDOFF_TIMEOUT) ?? gracefulLeaseHandoffTimeoutMs + 2 * fleet.failoverTimeMs;
  const phases: { readonly phase: HandoffPhase; readonly afterMs: number }[] = [];
  let from = "";
  const say = (text: string) => isJson ? undefined : terminal.print(oneLine(text));
  const progress = terminal.progress("Waiting", "s");
  let outcome: HandoffOutcome;
  try {
    outcome = await handOver(fleet, {
      lease,
      to,
      maxRcu: run.flags.of(MAX_RCU),
      timeoutMs,
      onPhase: (phase, afterMs) => {
        phases.push({ phase, afterMs: Math.round(afterMs) });
        progress.end();
        say(`${seconds(afterMs).padStart(5)}  ${PHASES[phase](from || "its owner", to)}`);
      },
      onSilence: (workerId, silentMs) => say(`       ${silenceText(workerId, silentMs, to)}`),
      onOwner: (owner) => void (from = owner),
      onWatch: say,
    }, signal);
  } finally {
    progress.end();
  }
  if (isJson) terminal.print(JSON.stringify(documentOf(outcome, { to, phases }), undefined, 2));
  return ended(outcome, to, { say, fail: (text) => log({ level: "error", text: oneLine(text) }) });
}

const PHASES: Readonly<Record<HandoffPhase, (from: string, to: string) => string>> = {
  asked: (from, to) => `${from} is asked to hand it over to ${to}`,
  draining: (from) => `${from} knows, and finishes its batch`,
  handedOver: (from, to) => `${from} has handed it over; ${to} has to find it`,
  renewed: (_, to) => `${to} renews it`,
  calledOff: (from) => `it is ${from}'s again: the leader has called the handoff off`,
  movedOn: () => "it was given to another worker meanwhile",
  finished: () => "its shard was read to its end: there is nothing to hand over any more",
  deleted: () => "it was deleted",
};

function silenceText(workerId: string, silentMs: number, to: string): string {
  const next = workerId === to
    ? "the leader gives the lease to another worker once it has expired"
    : `once the lease has expired, ${to} takes it, or the leader gives it to another worker`;
  return `${workerId} has not renewed it for ${seconds(silentMs)}, and may have died: ${next}`;
}

function ended(
  outcome: HandoffOutcome,
  to: string,
  { say, fail }: { readonly say: (text: string) => void; readonly fail: (text: string) => void },
): number {
  const { leaseKey } = outcome;
  switch (outcome.type) {
    case "refused":
      fail(`Cannot hand over lease "${leaseKey}" to ${to}: ${outcome.reason}`);
      return 1;
    case "asked":
      say(`${leaseKey} will be ${to}'s. kclite describe shows when.`);
      return 0;
    case "done": {
      const { leader: { workerId }, passedMs } = outcome;
      const leads = workerId === undefined
        ? ""
        : ` ${workerId} leads, and may move it again when it balances.`;
      say(`${leaseKey} is ${to}'s after ${seconds(passedMs)}.${leads}`);
      return 0;
    }
    case "failed":
      fail(`Cannot hand over lease "${leaseKey}" to ${to}: ${PHASES[outcome.phase](outcome.from, to)}`);
      return 1;
    case "timeout":
      fail(
        `Cannot hand over lease "${leaseKey}" to ${to}: expected ${to} to renew it within ${
          seconds(outcome.passedMs)
        }: got none: ${timeoutText(outcome.phase, outcome.from, to)}`,
      );
      return 1;
  }
}

function timeoutText(phase: HandoffPhase, from: string, to: string): string {
  if (phase === "handedOver") {
    return `the lease is ${to}'s; if it has died, the leader gives the lease to another worker`;
  }
  return `the handoff from ${from} stays pending; the leader completes it when it is overdue, or gives the lease ` +
    "to another worker when it expires";
}

function documentOf(
  outcome: HandoffOutcome,
  { to, phases }: { readonly to: string; readonly phases: readonly unknown[] },
): unknown {
  const { type, leaseKey, from } = outcome;
  const shared = { outcome: type, leaseKey, from: from ?? null, to };
  if (type === "refused") return { ...shared, reason: outcome.reason };
  const { lease, leader, passedMs } = outcome;
  return {
    ...shared,
    leaseOwner: lease?.leaseOwner ?? null,
    checkpointOwner: lease?.checkpointOwner ?? null,
    leader: leader.workerId ?? null,
    passedMs: Math.round(passedMs),
    phases,
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

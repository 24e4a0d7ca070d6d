// Pure.
/**
 * Turns events into lines for operators: one line each, quiet by default. From `info` on a healthy worker
 * reports only changes: it starts, it leads, leases are gained and released, shards end. What repeats with
 * every page, renewal or request is `debug`, or has no line and is left to the metrics.
 *
 * Source of the order of importance: the threads about noise in KCL's logs, kcl#325 and #1496.
 *
 * @module
 */

import { AwsServiceError, LeaseLostError } from "../errors.ts";
import type { LeaseLossReason, WorkerEvent } from "../events.ts";
import { textOf } from "../stream/sequence_number.ts";
import { VERSION } from "../version.ts";
import { counted, durationText } from "./format.ts";
import { errorLine, oneLine } from "./one_line.ts";
import { thrownAt } from "./thrown_at.ts";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** One line of a log, without time. */
export interface LogLine {
  /** How much the line matters. */
  readonly level: LogLevel;
  /** One line, without control characters and without credentials. */
  readonly text: string;
}

/** The line for an event; undefined if there is nothing to say. */
export function logLine(event: WorkerEvent): LogLine | undefined {
  const line = lineOf(event);
  return line === undefined ? undefined : { level: line.level, text: oneLine(line.text, MOST_CHARACTERS) };
}

/** Room for one error and the names around it, in UTF-16 units. */
const MOST_CHARACTERS = 1600;

function lineOf(event: WorkerEvent): LogLine | undefined {
  switch (event.type) {
    // The worker as a whole.
    case "workerStarting":
      return info(
        `Starting worker ${event.workerId} of ${event.applicationName} with kclite ${VERSION}: ` +
          `${event.streamName === undefined ? "many streams" : `stream ${event.streamName}`}, ` +
          `lease table ${event.tableName}`,
      );
    case "errorRule": {
      if (event.rule === "policy") return info(`When processRecords fails, its batch ${event.policy}`);
      const text = `When processRecords throws, ${
        ERROR_RULES[event.rule]
      } (onProcessError is "${event.rule}"`;
      // The default rule loses records. A user who has chosen none is warned before a batch is lost.
      return event.isChosen || event.rule !== "skip"
        ? info(`${text})`)
        : warning(`${text}, the default and KCL's rule; with "retry" the batch comes again)`);
    }
    case "initializationFailed": {
      const { attempt, attempts, retryInMs, error } = event;
      if (retryInMs === undefined) return undefined; // `workerStopped` follows, with the same error
      const next = `next try in ${durationText(retryInMs)}`;
      return warning(`Attempt ${attempt} of ${attempts} to start failed, ${next}: ${errorLine(error)}`);
    }
    case "tableCreated":
      return info(`Created lease table ${event.tableName}`);
    case "workerReady":
      return info(`Worker ${event.workerId} is ready`);
    case "superseded":
      return failure(
        `Superseded: another process has started as worker ${event.workerId} (generation ${event.byGeneration}, ` +
          `this one is ${event.generation}): this one reads, leads and writes nothing any more, and stays up idle: ` +
          "stop one of them, or give each a workerIdentifier of its own",
      );
    case "workerStopping":
      return info(`Stopping, with ${counted(event.heldLeases, "lease")} to hand over`);
    case "workerStopped":
      return event.error === undefined
        ? info("Stopped")
        : failure(`Stopped because of ${errorLine(event.error)}`);
    case "streamAdded":
      return info(`${event.streamIdentifier}: stream is read`);
    case "streamRemoved":
      return info(`${event.streamIdentifier}: stream is not listed any more, or not there`);
    case "passFailed":
      return warning(`Will try again: ${event.pass} failed: ${errorLine(event.error)}`);
    case "passRecovered":
      return info(`${event.pass} works again`);
    case "passEnded":
    case "streamDescribed":
    case "eventLoopTurned":
    case "leaderSeen":
    case "fleetAudited":
    case "coverageAudited":
    case "leasesDiscovered":
    case "leaseRenewed":
    case "iteratorGiven":
    case "callbackStarted":
    case "mergeParentMissing": // a notice says what is done
    case "requestSent":
      return undefined;
    // Leadership and leases. /health reports the faults of the fleet.
    case "leadershipGained":
      return info(`Worker ${event.workerId} leads the fleet`);
    case "leadershipLost":
      return info(`Worker ${event.workerId} no longer leads the fleet: ${event.reason}`);
    case "shardsSynced":
      return {
        level: event.created === 0 ? "debug" : "info",
        text: `${counted(event.shards, "shard")} listed, ${counted(event.created, "lease")} created`,
      };
    case "leaseCreated":
      return debug(`${event.leaseKey}: lease created, to be read from ${textOf(event.checkpoint)}`);
    case "leaseDeleted":
      return info(`${event.leaseKey}: lease deleted, ${DELETIONS[event.reason]}`);
    case "leaseAssigned":
      return debug(
        `${event.leaseKey}: assigned to ${event.to}${event.from === undefined ? "" : ` after ${event.from}`}`,
      );
    case "handoffStarted":
      return info(`${event.leaseKey}: to be handed over from ${event.from} to ${event.to}`);
    case "assignmentPass":
      return event.assigned === 0 ? undefined : info(
        `Assigned ${counted(event.assigned, "lease")} of ${event.leases} to ${
          counted(event.workers, "worker")
        }, ` +
          `${event.expired} expired`,
      );
    case "leaseUnreadable":
      return failure(
        `${event.leaseKey}: cannot read its item in the lease table: ${event.problem}: nobody reads its shard until ` +
          "the item is mended or deleted",
      );
    case "leaseGained":
      return info(`${event.leaseKey}: lease gained at ${textOf(event.checkpoint)}`);
    case "leaseRenewalFailed":
      return warning(`${event.leaseKey}: renewal failed: ${errorLine(event.error)}`);
    case "leaseLost":
      return {
        level: "warning",
        text: `${event.leaseKey}: lease lost: ${LOSSES[event.reason]}`,
      };
    case "leaseReleased":
      return info(
        `${event.leaseKey}: lease released${event.to === undefined ? "" : ` to ${event.to}`}`,
      );
    // One shard.
    case "phaseChanged":
      return debug(`${event.leaseKey}: ${event.phase}`);
    case "shardBlocked":
      return info(`${event.leaseKey}: waits for the end of ${event.parents.join(" and ")}`);
    case "pageFetched":
      return event.records === 0 ? undefined : debug(
        `${event.leaseKey}: read ${counted(event.records, "record")} in ${durationText(event.ms)}${
          behind(event.millisBehindLatest)
        }`,
      );
    case "fetchFailed": {
      const text = `${event.leaseKey}: read failed, next try in ${durationText(event.retryInMs)}: ` +
        errorLine(event.error);
      return event.error instanceof AwsServiceError && event.error.retryable ? debug(text) : warning(text);
    }
    case "iteratorExpired":
      return debug(`${event.leaseKey}: iterator expired, asking for a new one`);
    case "checkpointTrimmed":
      return failure(
        `${event.leaseKey}: checkpoint ${textOf(event.checkpoint)} ${
          event.isForeign
            ? "did not come from this stream: was the stream deleted and created anew? Records may be LOST"
            : "is no longer in the stream, records may be LOST"
        }: ${TRIMMED_OUTCOMES[event.outcome]}`,
      );
    case "callbackEnded":
      // A batch that failed has a line of its own.
      return event.error === undefined || event.callback === "processRecords"
        ? undefined
        : failure(`${event.leaseKey}: ${event.callback} threw: ${thrownLine(event.error)}`);
    case "batchProcessed":
      return debug(
        `${event.leaseKey}: processed ${counted(event.records, "record")} in ${durationText(event.ms)}${
          behind(event.millisBehindLatest)
        }`,
      );
    case "batchFailed":
      return failure(
        `${event.leaseKey}: processRecords failed ${batchOutcome(event)}: ${thrownLine(event.error)}`,
      );
    case "recordsGivenUp":
      return givenUpLine(event);
    case "shardStopped":
      return failure(
        `${event.leaseKey}: STOPPED at ${rangeText(event)}; its lease is given up in ${
          durationText(event.retryInMs)
        }, and the shard tried ` +
          `again: ${thrownLine(event.error)}`,
      );
    case "deadLetterFailed":
      return failure(
        `${event.leaseKey}: ${event.sink} did not store a dead letter (attempt ${event.attempt}), next try in ` +
          `${durationText(event.retryInMs)}; its records wait: ${errorLine(event.error)}`,
      );
    case "processorRestarting":
      return warning(
        `${event.leaseKey}: processor restarts in ${durationText(event.retryInMs)} ` +
          `(${counted(event.attempt, "restart")} in a row): ${errorLine(event.error)}`,
      );
    case "checkpointed":
      return debug(`${event.leaseKey}: checkpoint at ${textOf(event.at)}`);
    case "checkpointFailed":
      return warning(
        `${event.leaseKey}: checkpoint at ${textOf(event.at)} failed: ${errorLine(event.error)}`,
      );
    case "shardEndReached": {
      const children = event.childShards.map((child) => child.shardId);
      return info(
        `${event.leaseKey}: read to its end, ` +
          (children.length === 0 ? "without child shards" : `continued by ${children.join(" and ")}`),
      );
    }
    case "aggregateProblem":
      return aggregateLine(event);
    case "childLeasesFailed":
      return warning(
        `${event.leaseKey}: the leases of its child shards could not be created (attempt ${event.attempt}): ${
          errorLine(event.error)
        }`,
      );
    case "shardCompleted":
      return info(`${event.leaseKey}: completed`);
    case "shardEndNotCheckpointed":
      return failure(
        `${event.leaseKey}: shardEnded did not checkpoint (call ${event.attempt}): the child shards cannot ` +
          "start until it does; it will be called again",
      );
    case "notice":
      return { level: event.level, text: `${about(event.leaseKey)}${event.text}` };
    case "faultBegan":
      return {
        level: event.level,
        text: `${about(event.leaseKey)}${
          event.level === "error" ? "fault " : ""
        }${event.code}: ${event.text}`,
      };
    case "faultEnded":
      // A log of warnings that has the beginning has the end too.
      return warning(`${about(event.leaseKey)}${event.code} is over after ${durationText(event.ms)}`);
    // Calls to AWS.
    case "requestRetried": {
      const request = `${event.service} ${event.operation}`;
      const next = `attempt ${event.attempt + 1} in ${durationText(event.delayMs)}`;
      // A refused request soon ends in an error; a silent one takes minutes to.
      return event.code === "TimeoutError"
        ? warning(`${request} was not answered in time, ${next}`)
        : debug(`${request}: ${event.code}, ${next}`);
    }
    case "clockSkewLearned":
      return warning(
        `The clock of this machine is ${durationText(Math.abs(event.offsetMs))} ` +
          `${event.offsetMs > 0 ? "behind" : "ahead of"} that of AWS; requests are signed with theirs`,
      );
    case "credentialsRefreshed":
      return debug(`Credentials refreshed from ${event.source}`);
    case "credentialsRefreshFailed":
      return warning(`Credentials could not be refreshed: ${errorLine(event.error)}`);
    default:
      event satisfies never;
      return undefined;
  }
}

const ERROR_RULES: Readonly<Record<"skip" | "retry" | "stop", string>> = {
  skip: "its records are SKIPPED, and the next checkpoint passes them",
  retry: "the batch comes again until it succeeds",
  stop: "the lease is given up, and read again from its checkpoint",
};

const LOSSES: Readonly<Record<LeaseLossReason, string>> = {
  taken: "another worker owns it now",
  namesake: "another process writes to it under this worker's name: give each a workerIdentifier of its own",
  superseded: "a newer process has this worker's name",
  expired: "it was not renewed in time",
  handoffOverdue: "it was not handed over in time",
  deleted: "its item is gone from the lease table",
  givenUp: "given up",
};

const DELETIONS: Readonly<Record<Extract<WorkerEvent, { readonly type: "leaseDeleted" }>["reason"], string>> =
  {
    completed: "its shard is done and its children are under way",
    garbage: "its shard no longer exists",
    formerStream: "its stream is no longer read",
  };

const TRIMMED_OUTCOMES: Readonly<
  Record<Extract<WorkerEvent, { readonly type: "checkpointTrimmed" }>["outcome"], string>
> = {
  "trim-horizon": "read on from the oldest record",
  latest: "read on from the newest record",
  stop: "the shard is not read",
};

function aggregateLine(event: Extract<WorkerEvent, { readonly type: "aggregateProblem" }>): LogLine {
  const record = `${event.leaseKey}: aggregated record ${event.sequenceNumber}`;
  switch (event.outcome) {
    case "deliveredRaw": // An ordinary record may look like an aggregate by chance.
      return info(`${record} was delivered as it came: ${event.detail}`);
    case "dropped":
      return warning(
        `${record} was dropped with its ${counted(event.lost, "user record")}: ${event.detail}. ` +
          "The KPL's daemon sends them again, other producers do not: foreignAggregates = deliver keeps them",
      );
    case "cutShort":
      return failure(
        `${record} was cut short, and ${counted(event.lost, "user record")} lost: ${event.detail}`,
      );
  }
}

/** The error, and the line of the processor that threw it. */
function thrownLine(error: unknown): string {
  return errorLine(error) + thrownAt(error);
}

/** Records that follow each other, and where they are. */
function rangeText({ records, first, last }: RecordRange): string {
  if (records === 1) return `record ${textOf(first)}`;
  return `${counted(records, "record")} from ${textOf(first)} to ${textOf(last)}`;
}

type RecordRange = Pick<Extract<WorkerEvent, { readonly type: "batchFailed" }>, "records" | "first" | "last">;

const GIVEN_UP = { RecordAgeExceeded: "too old", DecodeFailed: "not readable" } as const;

function givenUpLine(event: Extract<WorkerEvent, { readonly type: "recordsGivenUp" }>): LogLine {
  const range = rangeText(event), are = event.records === 1 ? "is" : "are";
  const why = event.condition === "RetryAttemptsExhausted"
    ? `tried in ${counted(event.attempts, "call")}`
    : GIVEN_UP[event.condition];
  return event.outcome === "skipped"
    ? failure(`${event.leaseKey}: ${range} ${are} SKIPPED: ${why}`)
    : warning(`${event.leaseKey}: ${range} ${are} a dead letter in ${event.sink}: ${why}`);
}

function batchOutcome(event: Extract<WorkerEvent, { readonly type: "batchFailed" }>): string {
  const { records, outcome, attempt, error } = event;
  if (records === 0) return "after it had checkpointed all of its records: none is tried again";
  const isOne = records === 1, on = `on ${rangeText(event)},`;
  switch (outcome) {
    case "skipped":
      return `${on} ${skippedOutcome(error, isOne)}`;
    case "retrying":
      return `${on} ${isOne ? "it" : "they"} will be tried again (attempt ${attempt})`;
    case "split":
      return `${on} they go on in two parts`;
    case "parked":
      return isOne
        ? `${on} its key is parked, and it is tried again by itself (attempt ${attempt})`
        : `${on} their keys are parked, and tried again by themselves (attempt ${attempt})`;
    case "givenUp":
      return `${on} ${isOne ? "it is" : "they are"} given up (attempt ${attempt})`;
    case "leaseGivenUp":
      return `${on} the lease is given up`;
  }
}

/** That a checkpoint could not be stored does not mean that the records were not processed. */
function skippedOutcome(error: unknown, isOne: boolean): string {
  const they = isOne ? "it is" : "they are";
  const notStored = `for a checkpoint could not be stored; ${they} not delivered again to this processor`;
  if (error instanceof LeaseLostError) return `${notStored}, but to that of the lease's next owner`;
  return error instanceof AwsServiceError && error.service === "dynamodb"
    ? `${notStored}, and a later checkpoint covers ${isOne ? "it" : "them"}, processed or not`
    : `${they} SKIPPED`;
}

/** What a line about one lease begins with. */
function about(leaseKey: string | undefined): string {
  return leaseKey === undefined ? "" : `${leaseKey}: `;
}

function behind(millisBehindLatest: number | undefined): string {
  return millisBehindLatest === undefined ? "" : `, ${durationText(millisBehindLatest)} behind`;
}

function debug(text: string): LogLine {
  return { level: "debug", text };
}

function info(text: string): LogLine {
  return { level: "info", text };
}

function warning(text: string): LogLine {
  return { level: "warning", text };
}

function failure(text: string): LogLine {
  return { level: "error", text };
}

/**
 * The events about the worker as a whole: its start and stop, its loops, its streams and its faults.
 *
 * @module
 */

/** One of the loops that a worker runs beside its shards. */
export type LoopPass =
  /** Finds the leases that are assigned to this worker. */
  | "discovery"
  /** Takes part in the election of the leader. */
  | "leadership"
  /** Lists shards and assigns leases, on the leader. */
  | "assignment"
  /** Deletes the leases of shards that are done. */
  | "cleanup"
  /** Reports this worker's load to the leader. */
  | "workerMetrics"
  /** Finds which tables the fleet uses. */
  | "tableFormat"
  /** Finds the streams to read. */
  | "streams"
  /** Hands over leases and leadership when the worker stops. */
  | "leave";

/** An event about the worker as a whole. */
export type WorkerLifeEvent =
  /** `run()` was called. Comes once, before the first request to AWS. */
  | {
    readonly type: "workerStarting";
    readonly applicationName: string;
    /** Undefined when there are many streams: each has its `streamAdded`. */
    readonly streamName: string | undefined;
    readonly tableName: string;
    readonly workerId: string;
  }
  /** Says what becomes of a batch when `processRecords` throws. Comes once, right after the start. */
  | {
    readonly type: "errorRule";
    /** `policy`: the option `errors` is set. */
    readonly rule: "skip" | "retry" | "stop" | "policy";
    /** False: the rule is the default. */
    readonly isChosen: boolean;
    /** With `policy` what becomes of a batch, for people, e.g. `is tried again until it succeeds`. */
    readonly policy?: string | undefined;
  }
  /** An attempt to start failed: the table, the stream or its shards could not be read. */
  | {
    readonly type: "initializationFailed";
    readonly attempt: number;
    readonly attempts: number;
    readonly error: unknown;
    /** Undefined after the last attempt, or when no other attempt can help: the worker stops. */
    readonly retryInMs: number | undefined;
  }
  /** The lease table did not exist, and this worker created it. */
  | { readonly type: "tableCreated"; readonly tableName: string }
  /** The start is complete: the worker takes leases from now on. */
  | { readonly type: "workerReady"; readonly workerId: string }
  /**
   * A newer process runs under this worker's name. This process reads, leads and writes nothing any more, and
   * stays up idle. If it ended, a supervisor would start it again, and the two would supersede each other for
   * ever.
   */
  | {
    readonly type: "superseded";
    readonly workerId: string;
    readonly generation: number;
    readonly byGeneration: number;
  }
  /** An orderly stop has begun: the worker hands over its leases. */
  | { readonly type: "workerStopping"; readonly heldLeases: number }
  /** The worker has ended. */
  | {
    readonly type: "workerStopped";
    /** Undefined after an orderly stop. */
    readonly error: unknown;
  }
  /** A pass of one of the worker's loops failed. The loop tries again. */
  | { readonly type: "passFailed"; readonly pass: LoopPass; readonly error: unknown }
  /** A pass of one of the worker's loops ended without failing. */
  | {
    readonly type: "passEnded";
    readonly pass: LoopPass;
    readonly ms: number;
    /** Whether there was nothing to do, as in `assignment` on a worker that does not lead. */
    readonly isSkipped: boolean;
  }
  /** A pass succeeded after the one before it had failed. */
  | { readonly type: "passRecovered"; readonly pass: LoopPass }
  /**
   * The event loop had its turn. Comes every few seconds while the worker runs; health measures the time
   * since.
   */
  | { readonly type: "eventLoopTurned" }
  /** A stream is read from now on. Only with many streams. */
  | {
    readonly type: "streamAdded";
    /** `account:stream:epoch`. */
    readonly streamIdentifier: string;
  }
  /**
   * A stream is no longer listed, or no longer exists. What becomes of its leases is the leader's decision.
   */
  | {
    readonly type: "streamRemoved";
    /** `account:stream:epoch`. */
    readonly streamIdentifier: string;
  }
  /**
   * The service said how long a stream keeps its records: at the start, and to the leader, when it has
   * changed.
   */
  | {
    readonly type: "streamDescribed";
    /** `account:stream:epoch`. Undefined when the worker reads one stream. */
    readonly streamIdentifier: string | undefined;
    /** Records are trimmed when they are older, read or not. */
    readonly retentionMs: number;
  }
  /** A component has a message for the operator, e.g. a line that a child process printed. */
  | {
    readonly type: "notice";
    readonly level: "info" | "warning" | "error";
    /** Undefined when the message is about no shard. */
    readonly leaseKey: string | undefined;
    readonly text: string;
  }
  /**
   * A fault of `/health` has begun; with level `warning`, a trouble that is no fault yet: `callbackSlow`,
   * `readsDisturbed`, `trimmedUnreadSoon`.
   */
  | {
    readonly type: "faultBegan";
    /** A fault code of `/health`, or one of the three warnings. */
    readonly code: string;
    readonly level: "warning" | "error";
    /** Undefined when the fault is about the worker as a whole. */
    readonly leaseKey: string | undefined;
    readonly text: string;
  }
  /** A fault or a trouble is over, or its lease is no longer held. */
  | {
    readonly type: "faultEnded";
    readonly code: string;
    readonly leaseKey: string | undefined;
    /** How long it lasted. */
    readonly ms: number;
  };

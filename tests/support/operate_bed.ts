/**
 * A table and a stream on an emulator, without workers, and the command line on them: for the commands of an
 * operator.
 *
 * Its clock stands still but for sleeps, which pass at once. So what a command prints is the same each time.
 *
 * @module
 */

import { type Host, main } from "../../cli.ts";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { signedKinesis } from "../../src/aws/kinesis.ts";
import { type LeaderLock, type WorkerMetrics } from "../../src/lease/coordinator_store.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { assign, renew } from "../../src/lease/lease_write.ts";
import type { FleetAccess } from "../../src/operate/fleet_access.ts";
import { DynamoDBCoordinatorStore } from "../../src/store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import type { Clock } from "../../src/system.ts";
import { type SimulatedAws, simulatedAws, type SimulatedAwsOptions } from "../../src/testing/mod.ts";

/** Where everything is. */
const REGION = "eu-central-1";

const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "of-no-use" };

/** What STS says. */
const IDENTITY = `<GetCallerIdentityResponse><GetCallerIdentityResult>
  <Arn>arn:aws:sts::123456789012:assumed-role/orders-worker/i-0abc</Arn><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;

/** How a command ended, and what it printed. */
export interface CommandOutcome {
  readonly code: number;
  /** The result. */
  readonly out: string;
  /** The log, without times. */
  readonly err: string;
  /** What it showed while it worked. How much that is depends on how busy the machine is. */
  readonly progress: string;
}

/** How a command is run. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The width of a terminal. @default a pipe */
  readonly columns?: number;
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Without the flags that name application, stream and region. @default {false} */
  readonly isBare?: boolean;
  /** Called with each text that is written; throws when nobody reads. */
  readonly onWrite?: (text: string) => void;
  readonly more?: Partial<Host>;
}

/** A clock whose sleeps pass at once. */
export class PassingClock implements Clock {
  #epochMs = Date.UTC(2026, 0, 30, 12);
  #ms = 0;
  readonly #ends = new SleepEnds();
  /** What others do while a command sleeps. */
  whileAsleep: (ms: number) => void | Promise<void> = () => {};

  epochMs(): number {
    return this.#epochMs + this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#ms += ms;
  }

  /** Of sleeps side by side the one that ends first passes first. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const untilMs = this.#ms + Math.max(0, ms);
    this.#ends.add(untilMs);
    try {
      // The time limit of a request is a sleep too. Its answer comes in some turns of the real event loop.
      for (let turn = 0; turn < (ms < 5_000 ? 1 : 50) || this.#ends.isBefore(untilMs); turn++) {
        await nextTurn(signal);
      }
    } finally {
      this.#ends.delete(untilMs);
    }
    await this.whileAsleep(ms);
    this.#ms = Math.max(this.#ms, untilMs);
    signal?.throwIfAborted();
  }
}

/** One turn of the event loop. It leaves no timer behind when it is aborted. */
function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, 0);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** When sleeps end; several may end together. */
class SleepEnds {
  readonly #ends: number[] = [];

  add(ms: number): void {
    this.#ends.push(ms);
  }

  delete(ms: number): void {
    this.#ends.splice(this.#ends.indexOf(ms), 1);
  }

  isBefore(ms: number): boolean {
    return this.#ends.some((end) => end < ms);
  }
}

/** See the module. */
export class OperateBed {
  readonly clock: PassingClock = new PassingClock();
  readonly aws: SimulatedAws;
  readonly fleet: FleetAccess;
  /** Answers a request of a command in the emulator's place. @default STS and the time */
  onRequest: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined;
  #chance = 0;

  /**
   * @param options Of the emulator. @default one stream, `words`, of two shards
   * @param applicationName Also the name of the lease table.
   */
  constructor(
    options: Omit<SimulatedAwsOptions, "system"> = { streams: { words: 2 } },
    applicationName: string = "app",
  ) {
    const random = () => (this.#chance = (this.#chance + 0.618033988749895) % 1);
    const { clock } = this;
    this.aws = simulatedAws({ region: REGION, changeMs: 0, ...options, system: { clock, random } });
    const service = { region: REGION, credentials: KEYS, system: this.aws.system };
    const dynamodb = signedDynamoDB({ ...service, credentials: () => Promise.resolve(KEYS) });
    const kinesis = signedKinesis({ ...service, credentials: () => Promise.resolve(KEYS) });
    const [streamName = "words"] = Object.keys(options.streams ?? {});
    this.fleet = {
      applicationName,
      tableName: applicationName,
      failoverTimeMs: 10_000,
      region: REGION,
      streams: [{ streamName, streamArn: undefined }],
      system: this.aws.system,
      dynamodb,
      kinesis,
      leaseStore: new DynamoDBLeaseStore({ dynamodb, tableName: applicationName, system: this.aws.system }),
      coordinatorStore: new DynamoDBCoordinatorStore({
        dynamodb,
        applicationName,
        tableName: applicationName,
      }),
    };
  }

  /** The emulator, and what it has not: STS, and the time in what is not an operation. */
  readonly #fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const given = await this.onRequest(request.clone());
    if (given !== undefined) return given;
    const date = new Date(this.clock.epochMs()).toUTCString();
    if (new URL(request.url).hostname.startsWith("sts.")) {
      return new Response(IDENTITY, { headers: { date } });
    }
    const answer = await this.aws.system.fetch(request);
    if (request.method === "GET") answer.headers.set("date", date);
    return answer;
  };

  /** Creates the table. */
  async table(): Promise<void> {
    await this.fleet.leaseStore.ensureTable();
  }

  /** Writes a lease, assigned if it has an owner. The table must be there. */
  async lease(lease: NewLease, owner?: string): Promise<Lease> {
    const { leaseStore } = this.fleet;
    await leaseStore.create(lease);
    const fresh = await this.read(lease.leaseKey);
    if (owner === undefined) return fresh;
    const outcome = await leaseStore.apply(assign(fresh, owner));
    if (!outcome.applied) throw new Error(`could not assign ${lease.leaseKey}`);
    return outcome.lease;
  }

  /** Renews a lease, as its owner does. */
  async renew(leaseKey: string): Promise<void> {
    await this.fleet.leaseStore.apply(renew(await this.read(leaseKey)));
  }

  /** Writes a worker's report. @param ageMs How long ago it was made. */
  async worker(workerId: string, ageMs = 0, more: Partial<WorkerMetrics> = {}): Promise<void> {
    await this.fleet.coordinatorStore.writeWorkerMetrics("leaseTable", {
      workerId,
      lastUpdateEpochS: Math.floor((this.clock.epochMs() - ageMs) / 1000),
      stats: { C: [12.5] },
      operatingRange: { C: [100] },
      supportCode: 1,
      supportEpochS: Math.floor(this.clock.epochMs() / 1000),
      ...more,
    });
  }

  /** Writes the leader's lock. */
  async lock(lock: Partial<LeaderLock> & Pick<LeaderLock, "ownerName">): Promise<void> {
    const { coordinatorStore } = this.fleet;
    const full = { leaseDurationMs: 120_000, recordVersionNumber: "v1", isReleased: false, ...lock };
    await coordinatorStore.putLock("leaseTable", full, { type: "absent" });
  }

  /** Reads a lease that is there. */
  async read(leaseKey: string): Promise<Lease> {
    const lease = await this.fleet.leaseStore.get(leaseKey);
    if (lease === undefined) throw new Error(`there is no lease ${leaseKey}`);
    return lease;
  }

  /** Runs `kclite ARGS` on this table and stream. */
  async run(args: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    const { env = {}, columns, input = "", isBare = false, onWrite = () => {} } = options;
    const { signal = new AbortController().signal } = options;
    let out = "", err = "", progress = "";
    const variables: Readonly<Record<string, string>> = {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SHARED_CREDENTIALS_FILE: "/none",
      AWS_CONFIG_FILE: "/none",
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      ...env,
    };
    const stream = this.fleet.streams[0]?.streamName ?? "";
    const flags = ["--application", this.fleet.applicationName, "--stream", stream, "--region", REGION];
    const code = await main([...args, ...(isBare ? [] : flags)], {
      out: (line) => void (out += `${line}\n`),
      err: (line) => void (err += `${line.replace(/^\S+Z /, "")}\n`),
      childStderr: (text) => void (progress += text),
      isTerminal: columns !== undefined,
      screen: {
        write: (text) => {
          onWrite(text);
          out += text;
        },
        isTerminal: columns !== undefined,
        columns: () => columns,
        rows: () => columns === undefined ? undefined : 24,
        closed: new AbortController().signal,
      },
      input: async function* () {
        yield new TextEncoder().encode(input);
      },
      env: (name) => variables[name],
      envNames: Object.keys(variables),
      signal,
      options: { system: { ...this.aws.system, fetch: this.#fetch } },
      ...options.more,
    });
    return { code, out, err, progress };
  }
}

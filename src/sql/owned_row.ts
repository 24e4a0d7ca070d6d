/**
 * A shard's row in the table of positions, as one owner holds it: taken over at the start, moved in each
 * transaction.
 *
 * Whoever holds the later lease may take the row. Whether ours is the later one shows the counter of the
 * lease. When it does not, a write to the lease table decides: it is refused to a former owner. A counter
 * that is smaller and yet confirmed is of a lease that was deleted and created again.
 *
 * @module
 */

import type { ShardContext } from "../consumer/record_processor.ts";
import { StoreMovedError, StoreUnavailableError } from "../errors.ts";
import { compare } from "../stream/sequence_number.ts";
import { hasWritten, type PositionRow, rowIn } from "./client_answers.ts";
import type { SqlClient } from "./client.ts";
import { sqlFailureOf } from "./failures.ts";
import {
  rewindText,
  type RowClaim,
  type RowKey,
  type SqlDialect,
  type SqlStatement,
  type Statements,
  type StoredPosition,
} from "./statements.ts";

/** What a row is reached by. */
export interface SqlAccess<Tx> {
  readonly client: SqlClient<Tx>;
  readonly dialect: SqlDialect;
  readonly statements: Statements;
  readonly applicationName: string;
  readonly table: string;
}

/**
 * How often a transaction that lost against another is tried at once; after that the shard pauses. The winner
 * of a deadlock is done by then. Ours.
 */
const MOST_CONFLICTS = 10;

/** See the module. */
export class OwnedRow<Tx> {
  readonly #access: SqlAccess<Tx>;
  readonly #key: RowKey;
  readonly #context: ShardContext;
  #claim: RowClaim | undefined;
  #isShardEnded = false;
  /** Whether the outcome of a transaction is not known: the row is read before the next one. */
  #isUnsure = false;

  constructor(access: SqlAccess<Tx>, context: ShardContext) {
    this.#access = access;
    this.#key = { applicationName: access.applicationName, leaseKey: context.leaseKey };
    this.#context = context;
  }

  /** Up to where the database has committed, as far as this owner knows. */
  get position(): StoredPosition {
    return this.#owned().position;
  }

  /** How a person moves the position, when its record is no longer in the stream. */
  get mend(): string {
    const { dialect, table } = this.#access;
    return `run in the database: ${rewindText(dialect, table, this.#key)} to read it from its oldest record`;
  }

  /** Whether the end of the shard is committed. */
  get isShardEnded(): boolean {
    return this.#isShardEnded;
  }

  /**
   * Takes the row over, and creates it where there is none.
   *
   * @param confirm See `RecordProcessor.startAt`.
   * @throws {TypeError} when the row is of another stream, `LeaseLostError` when the lease is not ours.
   */
  async take(confirm: () => Promise<void>): Promise<void> {
    let known: PositionRow | undefined;
    let isConfirmed = false;
    while (true) {
      const taken = await this.#takeOnce(isConfirmed ? known : undefined);
      if (taken.type === "taken") return;
      // Read before the confirmation: an owner that comes after it is seen in the row.
      known = taken.found;
      await confirm();
      isConfirmed = true;
    }
  }

  async #takeOnce(confirmed: PositionRow | undefined): Promise<Taken> {
    const { fencingToken: { token: leaseCounter }, initialCheckpoint, streamName: stream } = this.#context;
    const { statements } = this.#access;
    let taken: Taken | undefined;
    await this.#untilSettled(async (tx) => {
      const row = rowIn(await this.#run(tx, statements.read(this.#key, true)));
      if (row === undefined) {
        const first = { stream, leaseCounter, position: positionOf(initialCheckpoint) };
        await this.#run(tx, statements.insert(this.#key, first));
        this.#claim = { token: 1n, leaseCounter, position: first.position };
        this.#isShardEnded = false;
        taken = { type: "taken" };
        return;
      }
      this.#ensureStream(row);
      if (row.leaseCounter >= leaseCounter && row.token !== confirmed?.token) {
        taken = { type: "unconfirmed", found: row };
        return;
      }
      await this.#run(tx, statements.take(this.#key, leaseCounter));
      this.#claim = { token: row.token + 1n, leaseCounter, position: row.position };
      this.#isShardEnded = row.isShardEnded;
      taken = { type: "taken" };
    });
    this.#isUnsure = false;
    if (taken === undefined) throw new Error(`${this.#cannot()}: begin() resolved without calling its work`);
    return taken;
  }

  /**
   * Runs work and moves the position, in one transaction.
   *
   * @param work Called again when the transaction lost against another.
   * @throws {StoreMovedError} when another owner has the row, {@linkcode StoreUnavailableError} when the
   * database cannot be used, and what the work throws.
   */
  async advance(
    to: StoredPosition,
    work: (tx: Tx) => Promise<void>,
  ): Promise<void> {
    const { statements } = this.#access;
    await this.#commit(to, (claim) => statements.advance(this.#key, claim, to), work);
    this.#claim = { ...this.#owned(), position: to };
  }

  /** Runs work and notes the end of the shard, in one transaction. Throws as {@linkcode advance}. */
  async end(work: (tx: Tx) => Promise<void>): Promise<void> {
    const { statements } = this.#access;
    await this.#commit(undefined, (claim) => statements.end(this.#key, claim), work);
    this.#isShardEnded = true;
  }

  async #commit(
    to: StoredPosition | undefined,
    move: (claim: RowClaim) => SqlStatement,
    work: (tx: Tx) => Promise<void>,
  ): Promise<void> {
    const { dialect } = this.#access;
    await this.#untilSettled(async (tx) => {
      if (this.#isUnsure) {
        const isDone = await this.#look(tx, to);
        this.#isUnsure = false;
        if (isDone) return;
      }
      this.#isUnsure = true;
      const claim = this.#owned();
      await this.#ofUser(tx, () => work(tx));
      if (!hasWritten(dialect, await this.#run(tx, move(claim)))) throw new Refused();
    });
    this.#isUnsure = false;
  }

  /**
   * Compares the row with what this owner believes.
   *
   * @returns whether an earlier try was committed after all.
   */
  async #look(tx: Tx, to: StoredPosition | undefined): Promise<boolean> {
    const { token, leaseCounter, position } = this.#owned();
    const row = rowIn(await this.#run(tx, this.#access.statements.read(this.#key, false)));
    if (row === undefined) throw new StoreMovedError(`${this.#cannot()}: its row has been deleted`);
    if (row.token !== token || row.leaseCounter !== leaseCounter) {
      throw new StoreMovedError(
        `${this.#cannot()}: expected fencing token ${token}: got ${row.token}: another owner has the shard`,
      );
    }
    if (to === undefined && row.isShardEnded) return true;
    if (compare(row.position, position) === 0) return false;
    if (to !== undefined && compare(row.position, to) === 0) return true;
    throw new StoreMovedError(
      `${this.#cannot()}: expected its position at ${position.sequenceNumber}/${position.subSequenceNumber}: got ` +
        `${row.position.sequenceNumber}/${row.position.subSequenceNumber}: the shard is read from there`,
    );
  }

  /** Until a transaction has committed. @throws as {@linkcode advance}. */
  async #untilSettled(work: (tx: Tx) => Promise<void>): Promise<void> {
    for (let conflicts = 1;; conflicts++) {
      let own: { readonly error: unknown } | undefined;
      try {
        await this.#access.client.begin(async (tx) => {
          own = undefined;
          try {
            await work(tx);
          } catch (error) {
            if (error instanceof UsersError) own = { error: error.cause };
            throw error instanceof UsersError ? error.cause : error;
          }
        });
        return;
      } catch (error) {
        if (own !== undefined) throw (own as { readonly error: unknown }).error;
        const isConflict = error instanceof Refused || sqlFailureOf(error) === "conflict";
        if (isConflict && conflicts < MOST_CONFLICTS) continue;
        if (isConflict || sqlFailureOf(error) === "unavailable") {
          const why = isConflict
            ? `its transaction lost ${conflicts} times in a row`
            : "the database is not usable";
          throw new StoreUnavailableError(`${this.#cannot()}: ${why}`, { cause: error });
        }
        throw error;
      }
    }
  }

  /**
   * The work of the user may call what is no database, and fail as one that is down. The database's own word
   * tells them apart.
   */
  async #ofUser(tx: Tx, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const failure = sqlFailureOf(error);
      if (failure === "conflict") throw error;
      if (failure === "unavailable" && !await this.#answers(tx)) throw error;
      throw new UsersError(error);
    }
  }

  async #answers(tx: Tx): Promise<boolean> {
    try {
      await this.#run(tx, this.#access.statements.probe());
      return true;
    } catch {
      return false;
    }
  }

  #run(tx: Tx, { text, params }: SqlStatement): Promise<unknown> {
    return this.#access.client.query(tx, text, params);
  }

  #owned(): RowClaim {
    if (this.#claim !== undefined) return this.#claim;
    throw new TypeError(
      `${this.#cannot()}: expected startAt() before any record: got a record: give the worker what ` +
        "sink.processor() returns, unwrapped",
    );
  }

  #ensureStream({ stream }: PositionRow): void {
    const { streamName } = this.#context;
    if (stream === streamName) return;
    throw new TypeError(
      `${this.#cannot()}: its row is of stream "${stream}", expected "${streamName}": give each application a ` +
        "name of its own, or delete the row",
    );
  }

  #cannot(): string {
    return `Cannot store results of shard "${this.#key.leaseKey}" with table "${this.#access.table}"`;
  }
}

type Taken =
  | { readonly type: "taken" }
  /** Another owner, or an earlier lease, has a counter that is not smaller. */
  | { readonly type: "unconfirmed"; readonly found: PositionRow };

/** The row is not as its owner believes: the transaction must not commit. */
class Refused extends Error {
  override readonly name = "Refused";
}

/** Takes an error of the user's work through the client, so that the policy sees it as it was thrown. */
class UsersError extends Error {
  override readonly name = "UsersError";
  constructor(cause: unknown) {
    super("the work threw", { cause });
  }
}

/** Never a record, which pins its page. */
export function positionOf({ sequenceNumber, subSequenceNumber }: StoredPosition): StoredPosition {
  return { sequenceNumber, subSequenceNumber };
}

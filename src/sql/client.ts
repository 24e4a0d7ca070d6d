/**
 * What a client for SQL must be able to do, and a helper for clients that hand out connections.
 *
 * @module
 */

/**
 * A client, in two functions. docs/exactly-once-sql.md has one for each of `pg`, `postgres`, PGlite and
 * `mysql2`.
 *
 * @typeParam Tx What the client calls a transaction: the thing that statements of one transaction run on.
 */
export interface SqlClient<Tx> {
  /**
   * Runs `work` in one transaction: commits when it resolves, rolls back and throws its error when it
   * rejects. It must resolve only when the database has confirmed the commit.
   */
  begin(work: (tx: Tx) => Promise<void>): Promise<unknown>;
  /**
   * Runs one statement within a transaction, with its parameters, and gives what the client gives: a list of
   * rows, an object with `rows`, or a list that begins with rows or a header.
   */
  query(tx: Tx, text: string, params: string[]): Promise<unknown>;
}

/** A connection of a pool, as `pg` and `mysql2/promise` have it. */
export interface PooledConnection {
  /** Runs a statement. */
  query(text: string): Promise<unknown>;
  /** Gives the connection back; with true it is closed. */
  release(isBroken?: boolean): void;
  /** Closes the connection; where there is none, `release(true)` does. */
  destroy?(): void;
  /** Listens to errors. Both clients have it, and an error that nobody hears ends the process. */
  on?(event: "error", listener: (error: Error) => void): unknown;
  /** Listens no more. */
  off?(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Makes `begin` of a pool that hands out connections: `pooled(() => pool.connect())` for `pg`, and
 * `pooled(() => pool.getConnection())` for `mysql2/promise`.
 *
 * A connection on which a rollback or a commit has failed is closed: nobody knows what it is in the middle
 * of. One that breaks between two statements fails the next of them, and does not end the process. Errors of
 * connections that nobody uses are the pool's: `pool.on("error", …)` for `pg`.
 *
 * @param connect Gives a connection that nobody else uses.
 */
export function pooled<Connection extends PooledConnection>(
  connect: () => Promise<Connection>,
): SqlClient<Connection>["begin"] {
  return async (work) => {
    const connection = await connect();
    let isBroken = true;
    connection.on?.("error", ignore);
    try {
      await connection.query("BEGIN");
      try {
        await work(connection);
      } catch (error) {
        // The error of the work says more than that of a rollback on a connection that is gone.
        isBroken = !await isDone(() => connection.query("ROLLBACK"));
        throw error;
      }
      ensureCommitted(await connection.query("COMMIT"));
      isBroken = false;
    } finally {
      // A connection that is closed may still break.
      if (!isBroken) connection.off?.("error", ignore);
      if (!isBroken) connection.release();
      else if (connection.destroy !== undefined) connection.destroy();
      else connection.release(true);
    }
  };
}

/** PostgreSQL answers the COMMIT of a transaction in which a statement has failed with ROLLBACK, no error. */
function ensureCommitted(answer: unknown): void {
  const isObject = typeof answer === "object" && answer !== null;
  if (!isObject || !("command" in answer) || answer.command !== "ROLLBACK") return;
  throw new Error(
    "Cannot commit: the database rolled the transaction back, since a statement in it had failed: await each " +
      "statement, and let its error pass",
  );
}

/** The statement that runs, or the next one, fails with it. */
function ignore(): void {}

async function isDone(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}

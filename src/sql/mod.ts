/**
 * Exactly once into a database of SQL: the results of a batch, its position and a fencing token in one
 * transaction. For PostgreSQL (`pg`, `postgres`, PGlite) and for MySQL (`mysql2`); no client is a dependency.
 *
 * ```ts
 * import { pooled, type PooledConnection, type RecordProcessorFactory, sqlSink } from "@kclite/kclite/sql";
 *
 * // As `pg` has them.
 * interface Client extends PooledConnection {
 *   query(text: string, params?: readonly string[]): Promise<unknown>;
 * }
 * interface Pool {
 *   connect(): Promise<Client>;
 * }
 *
 * export function wordsOf(pool: Pool): RecordProcessorFactory {
 *   const sink = sqlSink<Client>({
 *     begin: pooled(() => pool.connect()),
 *     query: (tx, text, params) => tx.query(text, params),
 *   }, { table: "kclite_positions", applicationName: "words" });
 *   return sink.processor(async (records, tx) => {
 *     for (const record of records) await tx.query("INSERT INTO words VALUES ($1)", [record.text()]);
 *   });
 * }
 * ```
 *
 * The one thing to get wrong is to write with anything but `tx`: what does not run on the transaction is not
 * rolled back with it.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import type { SqlClient } from "./client.ts";
import { SqlProcessor, type SqlWork, type SqlWorkOptions } from "./sql_processor.ts";
import { isTableName, type SqlDialect, Statements } from "./statements.ts";

export type { RecordProcessorFactory } from "../consumer/record_processor.ts";
export { StoreMovedError, StoreUnavailableError } from "../errors.ts";
export { pooled } from "./client.ts";
export type { PooledConnection, SqlClient } from "./client.ts";
export type { SqlContext, SqlWork, SqlWorkOptions } from "./sql_processor.ts";
export type { SqlDialect } from "./statements.ts";

/** Options of {@linkcode sqlSink}. */
export interface SqlSinkOptions {
  /** The table of positions, with its schema or without, e.g. `kclite_positions`. It is not the results'. */
  readonly table: string;
  /** The worker's `applicationName`: applications that share a table are told apart by it. */
  readonly applicationName: string;
  /** How statements are written. @default {"postgres"} */
  readonly dialect?: SqlDialect | undefined;
}

/** A database that takes results exactly once. */
export interface SqlSink<Tx> {
  /**
   * Makes a worker's `processor`. Each batch of a shard is one transaction. When the work throws, it is
   * rolled back, and `onProcessError` or `errors` applies. A database that is down is waited for; no record
   * is skipped meanwhile.
   *
   * @throws {TypeError} when an argument is of the wrong kind.
   */
  processor(work: SqlWork<Tx>, options?: SqlWorkOptions<Tx>): RecordProcessorFactory;
  /** The statement that creates the table of positions, if there is none. */
  readonly schema: string;
  /** Creates the table of positions, if there is none. @throws what the client throws. */
  createTable(): Promise<void>;
}

const OPTION_NAMES = ["table", "applicationName", "dialect"] as const;

/**
 * Makes one. Sends nothing yet.
 *
 * @throws {TypeError} when an argument is missing, unknown or of the wrong kind.
 */
export function sqlSink<Tx>(client: SqlClient<Tx>, options: SqlSinkOptions): SqlSink<Tx> {
  checkClient(client);
  const { table, applicationName, dialect } = checkedOptions(options);
  const statements = new Statements(dialect, table);
  const access = { client, dialect, statements, applicationName, table };
  const schema = statements.create();
  return {
    schema,
    async createTable() {
      await client.begin(async (tx) => void await client.query(tx, schema, []));
    },
    processor(work, more = {}) {
      const action = "Cannot make a processor";
      refuseUnknownNames(Object.keys(more), ["shardEnded"], { action });
      for (const [name, value] of [["the work", work], ["shardEnded", more.shardEnded ?? work]] as const) {
        if (typeof value === "function") continue;
        throw new TypeError(`${action}: expected ${name} to be a function: got ${typeof value}`);
      }
      const factory = () => new SqlProcessor(access, work, more);
      return Object.assign(factory, { stores: "transaction" } as const);
    },
  };
}

const ACTION = "Cannot use a database";

function checkClient(client: unknown): void {
  for (const name of ["begin", "query"] as const) {
    const given = typeof client === "object" && client !== null ? Reflect.get(client, name) : undefined;
    if (typeof given === "function") continue;
    throw new TypeError(`${ACTION}: expected ${name} to be a function: got ${typeof given}`);
  }
}

function checkedOptions(
  options: SqlSinkOptions,
): Required<SqlSinkOptions> & { readonly dialect: SqlDialect } {
  refuseUnknownNames(Object.keys(options ?? {}), OPTION_NAMES, { action: ACTION });
  const { table, applicationName, dialect = "postgres" } = options ?? {};
  if (typeof table !== "string" || !isTableName(table)) {
    throw new TypeError(
      `${ACTION}: expected table to be a name of letters, digits and "_", with a schema before it or not: got ` +
        JSON.stringify(table),
    );
  }
  if (typeof applicationName !== "string" || applicationName === "" || applicationName.length > 255) {
    throw new TypeError(
      `${ACTION}: expected applicationName to have 1 to 255 characters: got ${
        JSON.stringify(applicationName)
      }`,
    );
  }
  if (dialect !== "postgres" && dialect !== "mysql") {
    throw new TypeError(
      `${ACTION}: expected dialect to be "postgres" or "mysql": got ${JSON.stringify(dialect)}`,
    );
  }
  return { table, applicationName, dialect };
}

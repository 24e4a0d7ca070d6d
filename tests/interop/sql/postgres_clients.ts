/**
 * The two clients of a server of PostgreSQL, as docs/exactly-once-sql.md has them.
 *
 * @module
 */

import pg from "npm:pg@8.23.1";
import postgres from "npm:postgres@3.4.9";
import { pooled, type SqlClient } from "../../../src/sql/mod.ts";
import type { OpenDatabase } from "./suite.ts";

/** Where a server is. */
export interface PostgresServer {
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** How many connections it takes. */
  readonly connections: number;
}

type Connection = pg.PoolClient;

/** By `pg`. */
export async function openPg(
  { port, database, user, connections }: PostgresServer,
): Promise<OpenDatabase<Connection>> {
  const pool = new pg.Pool({ host: "127.0.0.1", port, database, user, max: connections });
  pool.on("error", () => {}); // a connection that was cut while nobody used it
  const client: SqlClient<Connection> = {
    begin: pooled<Connection>(() => pool.connect()),
    query: (tx, text, params) => tx.query(text, params),
  };
  const run = (tx: Connection, text: string) => tx.query(text);
  const column = async (text: string) => {
    const { rows } = await pool.query({ text, rowMode: "array" });
    return rows.map(([value]: unknown[]) => String(value));
  };
  const cut = async (tx: Connection) => {
    const { rows: [{ pid }] } = await tx.query("SELECT pg_backend_pid() AS pid");
    await pool.query("SELECT pg_terminate_backend($1)", [pid]);
  };
  const close = () => pool.end();
  return {
    ...{ client, run, column, dialect: "postgres", cut },
    [Symbol.asyncDispose]: close,
  };
}

/** By `postgres`. */
export async function openPostgresJs(
  { port, database, user, connections }: PostgresServer,
): Promise<OpenDatabase<postgres.TransactionSql>> {
  const sql = postgres({
    ...{ host: "127.0.0.1", port, database, user, max: connections },
    onnotice: () => {},
    backoff: () => 0.1,
  });
  const client: SqlClient<postgres.TransactionSql> = {
    begin: (work) => sql.begin(work),
    query: (tx, text, params) => tx.unsafe(text, params),
  };
  const run = (tx: postgres.TransactionSql, text: string) => tx.unsafe(text);
  const column = async (text: string) => {
    const rows = await sql.unsafe(text).values();
    return rows.map(([value]: unknown[]) => String(value));
  };
  const cut = async (tx: postgres.TransactionSql) => {
    const [row] = await tx.unsafe("SELECT pg_backend_pid() AS pid");
    await sql.unsafe("SELECT pg_terminate_backend($1)", [row?.pid]);
  };
  const close = () => sql.end({ timeout: 1 });
  return {
    ...{ client, run, column, dialect: "postgres", cut },
    [Symbol.asyncDispose]: close,
  };
}

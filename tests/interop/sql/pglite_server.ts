/**
 * PGlite, which is PostgreSQL in this process, and its server on a port of loopback. It runs one transaction at
 * a time, whatever the connections.
 *
 * @module
 */

import { PGlite, type Transaction } from "npm:@electric-sql/pglite@0.5.14";
import { PGLiteSocketServer } from "npm:@electric-sql/pglite-socket@0.2.17";
import type { OpenDatabase } from "./suite.ts";
import type { PostgresServer } from "./postgres_clients.ts";
import { freePort } from "./server_process.ts";

/** Starts one; takes seconds. */
export async function startPGlite(): Promise<PGlite> {
  const db = new PGlite();
  await db.waitReady;
  return db;
}

/** Without a connection. */
export function openPGlite(db: PGlite): OpenDatabase<Transaction> {
  return {
    client: {
      begin: (work) => db.transaction(work),
      query: (tx, text, params) => tx.query(text, params),
    },
    dialect: "postgres",
    run: (tx, text) => tx.query(text),
    async column(text) {
      const { rows } = await db.query<readonly unknown[]>(text, [], { rowMode: "array" });
      return rows.map(([value]) => String(value));
    },
    cut: () => Promise.reject(new Error("there is no connection")),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** By a port. */
export async function servePGlite(db: PGlite): Promise<PostgresServer & AsyncDisposable> {
  const port = freePort();
  const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port, maxConnections: 5 });
  await server.start();
  return {
    ...{ port, user: "postgres", database: "postgres", connections: 1 },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

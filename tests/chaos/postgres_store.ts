/**
 * Counters in a database of a real PostgreSQL, behind a proxy that breaks, stalls and cuts its connections. The server
 * ends some of them by itself.
 *
 * @module
 */

import { Chance } from "../../src/testing/model/chance.ts";
import { sqlSink } from "../../src/sql/mod.ts";
import { openPg } from "../interop/sql/postgres_clients.ts";
import { startPostgres } from "../interop/sql/postgres_server.ts";
import { counterSums, verdictOf } from "./counters.ts";
import { LyingProxy } from "./lying_proxy.ts";
import type { ResultsStore } from "./results_store.ts";

/** @returns why there is none, where none can be had. */
export async function postgresStore(seed: number): Promise<ResultsStore | string> {
  const server = await startPostgres();
  if (typeof server === "string") return server;
  const { port, user, database } = server;
  const admin = await openPg({ port, user, database, connections: 2 });
  const [version = ""] = await admin.column("SHOW server_version");
  await admin.column("CREATE TABLE results (id TEXT PRIMARY KEY, amount BIGINT NOT NULL)");
  await sqlSink(admin.client, { table: "kclite_positions", applicationName: "chaos-app" }).createTable();
  const proxy = new LyingProxy({
    upstreamPort: port,
    // There is no TLS, and the protocol has no checksum.
    areRequestsChecked: false,
    areAnswersChecked: false,
    longestStallMs: 4000,
    chance: new Chance(`chaos postgres ${seed}`),
  });
  let ended = 0;
  return {
    name: `PostgreSQL ${version}`,
    processor: new URL("sql_counter.ts", import.meta.url),
    env: { CHAOS_DATABASE_PORT: `${proxy.port}`, CHAOS_DATABASE_USER: user, CHAOS_DATABASE: database },
    proxies: [proxy],
    acts: {
      cutSockets() {
        proxy.isDown = true;
        proxy.isDown = false;
      },
      async endedSessions() {
        const all = await admin.column(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND " +
            "backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        ended += all.length;
      },
    },
    async judge({ put, closedShards }) {
      const lines = await admin.column("SELECT id || '=' || amount FROM results");
      const counters = new Map(lines.map((line) => {
        const [id = "", amount] = line.split("=");
        return [id, Number(amount)];
      }));
      return verdictOf(counterSums(put, closedShards, counters), { sessionsEnded: ended });
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await admin[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

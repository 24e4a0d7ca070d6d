/**
 * `./sql` on a real server of PostgreSQL, by `pg` and by `postgres`: `deno task interop:postgres`. Takes the
 * server of this machine, or Debian's package; says when it is skipped.
 *
 * `--smoke` runs it as it is: it takes some seconds.
 *
 * @module
 */

import { openPg, openPostgresJs } from "./sql/postgres_clients.ts";
import { startPostgres } from "./sql/postgres_server.ts";
import { testSink } from "./sql/suite.ts";

const server = await startPostgres();
if (typeof server === "string") {
  Deno.test({ name: `interop:postgres is skipped: ${server}`, ignore: true, fn() {} });
} else {
  const { port, user, database, connections } = server;
  const inDatabase = (name: string) => ({ port, user, database: name, connections });
  const admin = await openPg({ port, user, database, connections: 1 });
  // A transaction cannot create a database.
  for (const name of ["by_pg", "by_postgres"]) await admin.column(`CREATE DATABASE ${name}`);
  await admin[Symbol.asyncDispose]();
  testSink("PostgreSQL by pg", () => openPg(inDatabase("by_pg")), { isServer: true, canCut: true });
  testSink("PostgreSQL by postgres", () => openPostgresJs(inDatabase("by_postgres")), {
    isServer: true,
    canCut: false,
  });
  Deno.test({
    name: "the server is stopped",
    fn: async () => await server[Symbol.asyncDispose](),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

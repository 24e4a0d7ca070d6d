/**
 * `./sql` on PGlite, in this process and by `pg` and `postgres` over its port: `deno task test:sql`.
 *
 * `--smoke` runs it as it is.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { main as exactlyOncePostgres } from "../../examples/exactly_once_postgres/main.ts";
import { openPGlite, servePGlite, startPGlite } from "./sql/pglite_server.ts";
import { openPg, openPostgresJs } from "./sql/postgres_clients.ts";
import { testSink } from "./sql/suite.ts";

const db = await startPGlite();
testSink("PGlite", async () => openPGlite(db), { isServer: false, canCut: false });

const server = await servePGlite(db);
/** Each client begins with empty tables. */
const emptied = async <T>(open: (at: typeof server) => Promise<T>): Promise<T> => {
  await db.exec("DROP TABLE IF EXISTS results, counters, kclite_positions");
  return await open(server);
};
testSink("PGlite by pg", () => emptied(openPg), { isServer: false, canCut: false });
testSink("PGlite by postgres", () => emptied(openPostgresJs), { isServer: false, canCut: false });

Deno.test({
  name: "exactly_once_postgres counts each word once, though a worker dies in the middle",
  async fn() {
    const lines: string[] = [];
    await db.exec("DROP TABLE IF EXISTS kclite_positions");
    await exactlyOncePostgres({ db, print: (line) => void lines.push(line) });
    assertEquals(lines, ["be: 2", "not: 1", "or: 1", "to: 2"]);
  },
  sanitizeOps: false,
  sanitizeResources: false,
});

Deno.test({
  name: "PGlite is closed",
  async fn() {
    await server[Symbol.asyncDispose]();
    await db.close();
  },
  sanitizeOps: false,
  sanitizeResources: false,
});

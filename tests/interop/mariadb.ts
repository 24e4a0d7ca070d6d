/**
 * `./sql` on a real server of MariaDB, by `mysql2`: `deno task interop:mariadb`. Takes Debian's package, unpacked
 * into a temporary folder; says when it is skipped.
 *
 * `--smoke` runs it as it is: it takes some seconds.
 *
 * @module
 */

import mysql from "npm:mysql2@3.24.6/promise";
import { pooled } from "../../src/sql/mod.ts";
import {
  freePort,
  type ServerFolder,
  serverFolder,
  startIn,
  unpackedPackages,
} from "./sql/server_process.ts";
import { type OpenDatabase, testSink } from "./sql/suite.ts";

const PACKAGES = [
  "mariadb-server-core",
  "mariadb-common",
  "libaio1",
  "liburing2",
  "libsnappy1v5",
  "libpmem1",
];

const folder = await serverFolder(["mysql", "nobody"]);
const root = await unpackedPackages(folder, PACKAGES);
if (root === undefined) {
  await folder[Symbol.asyncDispose]();
  const why = "apt-get cannot download MariaDB on this machine";
  Deno.test({ name: `interop:mariadb is skipped: ${why}`, ignore: true, fn() {} });
} else {
  const port = freePort();
  const server = await startMariaDB(folder, root, port);
  testSink("MariaDB by mysql2", () => openMysql2(port), { isServer: true, canCut: true });
  Deno.test({
    name: "the server is stopped",
    async fn() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

/** Without its system tables, which nothing here needs: it asks nobody for a password. */
async function startMariaDB(folder: ServerFolder, root: string, port: number): Promise<AsyncDisposable> {
  const data = `${folder.path}/data`;
  await Deno.mkdir(data);
  if (folder.user.uid !== undefined) await Deno.chown(data, folder.user.uid, folder.user.gid ?? 0);
  const libraries = `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu`;
  const messages = `${root}/usr/share/mysql`;
  const args = [
    ...["--no-defaults", "--skip-grant-tables", "--skip-networking=0", "--bind-address=127.0.0.1"],
    ...[`--port=${port}`, `--socket=${data}/socket`, `--datadir=${data}`, `--basedir=${root}/usr`],
    ...[`--lc-messages-dir=${messages}`, "--innodb-flush-log-at-trx-commit=0"],
  ];
  const program = `${root}/usr/sbin/mariadbd`;
  return await startIn(folder, program, { args, env: { LD_LIBRARY_PATH: libraries }, port, stop: "SIGTERM" });
}

async function openMysql2(port: number): Promise<OpenDatabase<mysql.PoolConnection>> {
  const at = { host: "127.0.0.1", port, user: "root" };
  const admin = await mysql.createConnection(at);
  await admin.query("CREATE DATABASE kclite");
  const pool = mysql.createPool({ ...at, database: "kclite", connectionLimit: 5 });
  return {
    client: {
      begin: pooled<mysql.PoolConnection>(() => pool.getConnection()),
      query: (tx, text, params) => tx.query(text, params),
    },
    dialect: "mysql",
    run: (tx, text) => tx.query(text),
    async column(text) {
      const [rows] = await pool.query<mysql.RowDataPacket[][]>({ sql: text, rowsAsArray: true });
      return rows.map(([value]) => String(value));
    },
    cut: async (tx) => void await admin.query(`KILL CONNECTION ${tx.threadId}`),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await admin.end();
    },
  };
}

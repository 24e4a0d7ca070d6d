/**
 * A real server of PostgreSQL: the one of this machine, or Debian's package, unpacked into a temporary folder.
 *
 * @module
 */

import { canRun } from "../../support/command.ts";
import type { PostgresServer } from "./postgres_clients.ts";
import {
  freePort,
  runIn,
  type ServerFolder,
  serverFolder,
  startIn,
  unpackedPackages,
} from "./server_process.ts";

/** A running server. */
export interface RunningPostgres extends PostgresServer, AsyncDisposable {}

/** @returns why there is none, where none can be had. */
export async function startPostgres(): Promise<RunningPostgres | string> {
  const folder = await serverFolder(["postgres", "nobody"]);
  const bin = await postgresBin(folder);
  if (bin === undefined) {
    await folder[Symbol.asyncDispose]();
    return "there is no PostgreSQL on this machine, and apt-get cannot download one";
  }
  const data = `${folder.path}/data`, port = freePort();
  await runIn(folder, `${bin}/initdb`, [
    "-D",
    data,
    "-U",
    "kclite",
    "-A",
    "trust",
    "--no-sync",
    "-E",
    "UTF8",
  ]);
  const settings = [
    ...["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "deadlock_timeout=100ms"],
    "max_connections=40",
  ];
  const args = ["-D", data, "-p", `${port}`, ...settings.flatMap((setting) => ["-c", setting])];
  const server = await startIn(folder, `${bin}/postgres`, { args, port, stop: "SIGINT" });
  return {
    ...{ port, user: "kclite", database: "postgres", connections: 5 },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The folder of its programs. */
async function postgresBin(folder: ServerFolder): Promise<string | undefined> {
  const here = await installedIn("/");
  if (here !== undefined) return here;
  if (!await canRun("apt-cache")) return undefined;
  const root = await unpackedPackages(folder, ["postgresql-15", "postgresql-common", "libpq5", "libllvm14"]);
  return root === undefined ? undefined : await installedIn(root);
}

async function installedIn(root: string): Promise<string | undefined> {
  const versions = `${root}/usr/lib/postgresql`;
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(versions)) found.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const newest = found.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return undefined;
  const bin = `${versions}/${newest}/bin`;
  return await canRun(`${bin}/postgres`) ? bin : undefined;
}

/**
 * A database server of this machine, in a temporary folder, on a free port of loopback. It is started by a user
 * who is not root, and stopped by its process.
 *
 * @module
 */

import { canRun, runCommand } from "../../support/command.ts";

/** A folder, and who may write there. */
export interface ServerFolder extends AsyncDisposable {
  readonly path: string;
  /** What a command takes to run as that user. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** @param names Users that root may become, the first that there is. */
export async function serverFolder(names: readonly string[]): Promise<ServerFolder> {
  const path = await Deno.makeTempDir({ prefix: "kclite-sql-" });
  const user = Deno.uid() === 0 ? await firstUser(names) : {};
  if (user.uid !== undefined) await Deno.chown(path, user.uid, user.gid ?? user.uid);
  return { path, user, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function firstUser(
  names: readonly string[],
): Promise<{ readonly uid?: number; readonly gid?: number }> {
  const lines = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"));
  for (const name of names) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`Cannot start a database: expected one of the users ${names.join(", ")}: got none`);
}

/** A port that nothing listens on now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Runs a command as the folder's user. @throws {Error} with its output when it fails. */
export async function runIn(
  { path, user }: ServerFolder,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const command = new Deno.Command(program, { args: [...args], cwd: path, env: { ...env }, ...user });
  const { success, stdout, stderr } = await command.output();
  if (success) return;
  const text = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  throw new Error(`Cannot start a database: ${program} failed: ${text.slice(0, 500)}`);
}

/** Starts a server, and waits until its port answers. */
export async function startIn(
  { path, user }: ServerFolder,
  program: string,
  { args, env = {}, port, stop }: {
    readonly args: readonly string[];
    /** What ends it in order, though clients are connected. */
    readonly stop: Deno.Signal;
    readonly env?: Readonly<Record<string, string>>;
    readonly port: number;
  },
): Promise<AsyncDisposable> {
  const child = new Deno.Command(program, {
    ...{ args: [...args], cwd: path, env: { ...env }, ...user },
    ...{ stdin: "null", stdout: "null", stderr: "piped" },
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let status: Deno.CommandStatus | undefined;
  child.status.then((ended) => status = ended);
  for (let tries = 0; tries < 300; tries++) {
    if (status !== undefined) throw new Error(`Cannot start a database: ${program} ended: ${await stderr}`);
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return {
        async [Symbol.asyncDispose]() {
          if (status === undefined) child.kill(stop);
          await child.status;
          await stderr;
        },
      };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  child.kill("SIGKILL");
  throw new Error(`Cannot start a database: nothing listens on port ${port} after 30 s`);
}

/**
 * Unpacks Debian's packages, without installing them.
 *
 * @returns the folder; undefined where that is not possible.
 */
export async function unpackedPackages(
  folder: ServerFolder,
  names: readonly string[],
): Promise<string | undefined> {
  if (!await canRun("apt-get") || !await canRun("dpkg")) return undefined;
  const packages = `${folder.path}/packages`, root = `${folder.path}/root`;
  await Deno.mkdir(packages);
  const downloaded = await runCommand("apt-get", ["download", ...names], { cwd: packages });
  if (downloaded.code !== 0) return undefined;
  for await (const { name } of Deno.readDir(packages)) {
    if ((await runCommand("dpkg", ["-x", `${packages}/${name}`, root])).code !== 0) return undefined;
  }
  return root;
}

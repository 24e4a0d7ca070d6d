import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { ChildProcess } from "../../src/child_process.ts";
import { childStarter } from "../../src/host/child_starter.ts";
import { isGone } from "../support/command.ts";

const isWindows = Deno.build.os === "windows";
const onUnix = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: isWindows, fn });

/** Reads a stream to its end. */
async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) text += decoder.decode(bytes, { stream: true });
  return text;
}

/** Waits for a child and lets go of it. */
async function endOf(child: ChildProcess): Promise<unknown> {
  const exit = await child.exited;
  child.release();
  return exit;
}

onUnix("childStarter() pipes stdin, stdout and stderr", async () => {
  using starter = childStarter();
  const child = await starter.spawn("sh", ["-c", "cat; echo oops >&2; exit 3"]);
  const texts = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  await child.write(new TextEncoder().encode("cat\n"));
  await child.write(new TextEncoder().encode("dog\n"));
  child.closeInput();
  assertEquals(await texts, ["cat\ndog\n", "oops\n"]);
  assertEquals(await endOf(child), { code: 3, signal: undefined });
});

onUnix("childStarter() tells the signal that ended a child", async () => {
  using starter = childStarter();
  const child = await starter.spawn("sleep", ["60"]);
  const drained = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  child.kill("SIGKILL");
  assertEquals(await child.exited, { code: undefined, signal: "SIGKILL" });
  child.kill("SIGTERM"); // Too late, and harmless.
  await drained;
  child.release();
});

onUnix("childStarter() fails a write to a child that has died, and not this process", async () => {
  using starter = childStarter();
  const child = await starter.spawn("true", []);
  const drained = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  await child.exited;
  await assertRejects(async () => {
    for (let i = 0; i < 100; i++) await child.write(new Uint8Array(65536));
  });
  await drained;
  child.release();
});

onUnix("childStarter() ends a held-up write when it lets go of the child", async () => {
  using starter = childStarter();
  const child = await starter.spawn("sleep", ["60"]);
  const drained = Promise.allSettled([textOf(child.stdout), textOf(child.stderr)]);
  const written = assertRejects(async () => {
    for (let i = 0; i < 100; i++) await child.write(new Uint8Array(65536));
  });
  child.kill("SIGKILL");
  await child.exited;
  child.release();
  await Promise.all([written, drained]);
});

onUnix("childStarter() finds programs as a shell does, with or without shebang (trap 21)", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/sub`);
    await Deno.mkdir(`${folder}/bin`);
    for (const path of ["sub/app", "bin/kclite-test-app"]) {
      await Deno.writeTextFile(`${folder}/${path}`, 'echo "$0 $*"\n', { mode: 0o755 });
    }
    await Deno.writeTextFile(`${folder}/locked`, "echo no\n", { mode: 0o644 });
    const source = `
      using starter = childStarter();
      const said = [];
      for (const program of ["sub/app", "./sub/app", "kclite-test-app", "sub", "./sub", "./locked", "kclite-test-nothing"]) {
        try {
          const child = await starter.spawn(program, ["a", "b c"]);
          const text = await new Response(ReadableStream.from(child.stdout)).text();
          said.push(text.trim().replace(/^.*?(sub|bin)/, "$1"));
        } catch (error) {
          said.push(error.code);
        }
      }
      console.log(JSON.stringify(said));`;
    const PATH = `${Deno.env.get("PATH")}:${folder}/bin`;
    assertEquals(JSON.parse(await runScript(source, { cwd: folder, env: { PATH } })), [
      "sub/app a b c",
      "sub/app a b c",
      "bin/kclite-test-app a b c",
      "ENOENT",
      "EACCES",
      "EACCES",
      "ENOENT",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "childStarter() gives each child a process group of its own, which Ctrl-C does not reach (trap 31)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const groupOf = async (pid: number) =>
      Number((await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/.*\) /, "").split(" ")[2]);
    using starter = childStarter();
    const child = await starter.spawn("cat", []);
    const drained = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    assertEquals(await groupOf(child.pid), child.pid);
    child.closeInput();
    await drained;
    await endOf(child);
  },
});

/** Like `npm start`: a shell that stays, and a program behind it that prints its process id. */
const WRAPPER = (program: string) => ["-c", `sh -c '${program}'; true`];
/** Heeds neither the end of its stdin nor SIGTERM; ends by itself in a minute, should a test fail. */
const STUBBORN = 'trap "" TERM; echo $$; sleep 60; true';

onUnix("ChildProcess.kill() reaches the program behind a wrapper", async () => {
  using starter = childStarter();
  const child = await starter.spawn("sh", WRAPPER("echo $$; exec sleep 60"));
  const program = await firstNumber(child.stdout);
  child.kill("SIGTERM");
  assertEquals(await child.exited, { code: undefined, signal: "SIGTERM" });
  assert(await isGone(program));
  child.release();
});

onUnix(
  "ChildProcess.hasRest() tells of a program that outlives its wrapper, until it is killed",
  async () => {
    using starter = childStarter();
    const child = await starter.spawn("sh", WRAPPER(STUBBORN));
    const program = await firstNumber(child.stdout);
    assert(!child.hasRest(), "the wrapper is there itself");
    child.kill("SIGTERM");
    await child.exited;
    assert(child.hasRest());
    child.kill("SIGKILL");
    assert(await isGone(program));
    child.release();
    assert(!child.hasRest(), "its number may become that of another group");
  },
);

onUnix("childStarter() kills what outlived its wrapper when it is disposed", async () => {
  let program = 0;
  {
    using starter = childStarter();
    const child = await starter.spawn("sh", WRAPPER(STUBBORN));
    program = await firstNumber(child.stdout);
    child.kill("SIGTERM");
    await child.exited;
  }
  assert(await isGone(program));
});

onUnix("childStarter() signals the child alone where Deno allows no more, and warns once", async () => {
  const source = `
    const warnings = [];
    using starter = childStarter({ warn: (text) => warnings.push(text) });
    const exits = [];
    for (let i = 0; i < 2; i++) {
      const child = await starter.spawn("sh", ["-c", "echo ready; read line"]);
      for await (const _ of child.stdout) break;
      child.kill("SIGTERM");
      exits.push({ ...await child.exited, hasRest: child.hasRest() });
    }
    console.log(JSON.stringify({ warnings, exits }));`;
  const may = (run: string) => ["--no-prompt", "--allow-env", "--allow-read", run];
  const exit = { signal: "SIGTERM", hasRest: false };
  const alone = JSON.parse(await runScript(source, { permissions: may("--allow-run=sh") }));
  assertEquals([alone.exits, alone.warnings.length], [[exit, exit], 1]);
  assertMatch(alone.warnings[0], /--allow-run without names/);
  const all = JSON.parse(await runScript(source, { permissions: may("--allow-run") }));
  assertEquals(all, { warnings: [], exits: [exit, exit] });
});

onUnix("children see the end of their stdin when the program was killed", async () => {
  // Of two: neither may hold the other's pipe open.
  const source = `
    const { spawn } = childStarter();
    const pids = [];
    for (let i = 0; i < 2; i++) pids.push((await spawn("sh", ["-c", "read line; true"])).pid);
    console.log(JSON.stringify(pids));
    Deno.kill(Deno.pid, "SIGKILL");`;
  const pids = JSON.parse(await runScript(source));
  assertEquals(pids.length, 2);
  for (const pid of pids) assert(await isGone(pid));
});

/** What a program prints first. */
async function firstNumber(stream: AsyncIterable<Uint8Array>): Promise<number> {
  for await (const bytes of stream) return Number(new TextDecoder().decode(bytes));
  throw new Error("it printed nothing");
}

for (const end of ["Deno.exit(3)", "process.exit(3)"]) {
  onUnix(`childStarter() leaves no child behind: ${end}`, async () => {
    const stdout = await runScript(`
      import process from "node:process";
      const { spawn } = childStarter();
      const child = await spawn("sh", ["-c", "sh -c 'trap \\"\\" TERM; echo \\$\\$; sleep 60; true'; true"]);
      for await (const bytes of child.stdout) {
        console.log(Number(new TextDecoder().decode(bytes)));
        break;
      }
      void process;
      setTimeout(() => { ${end}; }, 0);`);
    const pid = Number(stdout);
    assert(pid > 0);
    assert(await isGone(pid));
  });
}

/** Runs a script in a process of its own, with `childStarter` at hand. @returns Its stdout. */
async function runScript(
  source: string,
  { permissions = ["-A"], ...options }: {
    readonly cwd?: string;
    readonly env?: Record<string, string>;
    readonly permissions?: readonly string[];
  } = {},
): Promise<string> {
  const script = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, "--no-config", "--no-lock", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    ...options,
  }).spawn();
  const writer = script.stdin.getWriter();
  const module = new URL("../../src/host/child_starter.ts", import.meta.url);
  await writer.write(new TextEncoder().encode(`import { childStarter } from "${module}";\n${source}`));
  await writer.close();
  const { stdout } = await script.output();
  return new TextDecoder().decode(stdout);
}

onUnix("childStarter() adds to our environment what a child is given", async () => {
  using starter = childStarter();
  const child = await starter.spawn("sh", ["-c", 'echo "$KINESIS_STREAM_NAME ${PATH:+path}"'], {
    KINESIS_STREAM_NAME: "orders",
  });
  const texts = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  assertEquals(await texts, ["orders path\n", ""]);
  await endOf(child);
});

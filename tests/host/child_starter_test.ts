import { assert, assertEquals, assertRejects } from "@std/assert";
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
  name: "childStarter() leaves children in our process group, where Ctrl-C reaches them (trap 31)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const groupOf = async (pid: number) =>
      (await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/.*\) /, "").split(" ")[2];
    using starter = childStarter();
    const child = await starter.spawn("cat", []);
    const drained = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    assertEquals(await groupOf(child.pid), await groupOf(Deno.pid));
    child.closeInput();
    await drained;
    await endOf(child);
  },
});

for (const end of ["Deno.exit(3)", "process.exit(3)", "throw new Error()"]) {
  onUnix(`childStarter() leaves no child behind: ${end}`, async () => {
    const stdout = await runScript(`
      import process from "node:process";
      const { spawn } = childStarter();
      const child = await spawn("sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
      for await (const _ of child.stdout) break;
      console.log(child.pid);
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
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  const script = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", "--ext=ts", "-"],
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

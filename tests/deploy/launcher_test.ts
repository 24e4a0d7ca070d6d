/** `bin/kclite` on machines that have Deno, Node.js, old ones, or neither: a PATH of scripts that say what they were called with. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type CommandResult, runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";

const LAUNCHER = await Deno.readTextFile(new URL("../../bin/kclite", import.meta.url));
const IS_UNIX = Deno.build.os !== "windows";

/** What a machine has: the lines that `--version` prints there, and the entry points beside the launcher. */
interface Machine {
  readonly deno?: string;
  readonly node?: string;
  readonly entries: readonly ("cli.ts" | "cli.js")[];
}

/** A program that prints its version, or else its own name and arguments, and ends with 7. */
function program(name: string, version: string): string {
  return `#!/bin/sh
if [ "$1" = --version ]; then echo "${version}"; exit 0; fi
echo ${name}; for part in "$@"; do echo "$part"; done; exit 7
`;
}

/** Runs the launcher from another folder, on a PATH that has nothing else but what the launcher itself needs. */
async function launch(
  { deno, node, entries }: Machine,
  args: readonly string[],
): Promise<CommandResult & { readonly root: string }> {
  const files = {
    "k c/bin/kclite": LAUNCHER,
    "elsewhere/x": "",
    ...Object.fromEntries(entries.map((name) => [`k c/${name}`, ""])),
    ...(deno === undefined ? {} : { "path/deno": program("deno", deno) }),
    ...(node === undefined ? {} : { "path/node": program("node", node) }),
    "path/curl": "#!/bin/sh\necho downloads\nexit 9\n",
  };
  return await withFolder(files, async (folder) => {
    for (const path of Object.keys(files)) await Deno.chmod(`${folder}/${path}`, 0o755);
    for (const name of ["npm", "npx", "pip", "wget"]) {
      await Deno.symlink("curl", `${folder}/path/${name}`);
    }
    for (const name of ["dirname", "readlink"]) {
      await Deno.symlink(await whereIs(name), `${folder}/path/${name}`);
    }
    const result = await runCommand(`${folder}/k c/bin/kclite`, args, {
      cwd: `${folder}/elsewhere`,
      env: { PATH: `${folder}/path` },
    });
    const hide = (text: string) => text.replaceAll(folder, "");
    return { ...result, stdout: hide(result.stdout), stderr: hide(result.stderr), root: "/k c" };
  });
}

async function whereIs(name: string): Promise<string> {
  return (await runCommand("/bin/sh", ["-c", `command -v ${name}`])).stdout.trim();
}

const DENO = "deno 2.9.6 (stable, release, x86_64-unknown-linux-gnu)\nv8 15.0\ntypescript 6.0.3";
const ARGS = ["app.properties", "--set", "a = b c", ""];

const STARTS: readonly (readonly [title: string, machine: Machine, command: readonly string[]])[] = [
  ["Deno alone", { deno: DENO, entries: ["cli.ts"] }, ["deno", "run", "-A", "--quiet", "/k c/cli.ts"]],
  ["Deno before Node.js", { deno: DENO, node: "v24.1.0", entries: ["cli.ts", "cli.js"] }, [
    "deno",
    "run",
    "-A",
    "--quiet",
    "/k c/cli.ts",
  ]],
  ["Deno of a later major", { deno: "deno 3.0.0", entries: ["cli.js"] }, [
    "deno",
    "run",
    "-A",
    "--quiet",
    "/k c/cli.js",
  ]],
  ["Deno of a later minor", { deno: "deno 2.10.0-rc.1 (candidate)", entries: ["cli.ts"] }, [
    "deno",
    "run",
    "-A",
    "--quiet",
    "/k c/cli.ts",
  ]],
  ["Node.js 22 alone", { node: "v22.0.0", entries: ["cli.js"] }, ["node", "/k c/cli.js"]],
  ["Node.js where Deno is old", { deno: "deno 2.8.3 (stable)", node: "v24.0.1", entries: ["cli.js"] }, [
    "node",
    "/k c/cli.js",
  ]],
];

for (const [title, machine, command] of STARTS) {
  Deno.test({
    name: `bin/kclite starts on ${title}, with its arguments as they are`,
    ignore: !IS_UNIX,
    async fn() {
      const { code, stdout, stderr } = await launch(machine, ARGS);
      assertEquals(stdout.split("\n").slice(0, -1), [...command, ...ARGS], stderr);
      assertEquals(code, 7);
    },
  });
}

const REFUSALS: readonly (readonly [title: string, machine: Machine, says: readonly string[]])[] = [
  ["neither", { entries: ["cli.ts"] }, ["got Deno none, Node.js none"]],
  ["Node.js too old", { node: "v20.20.2", entries: ["cli.js"] }, ["got Deno none, Node.js 20.20.2"]],
  ["Deno too old", { deno: "deno 1.46.3", entries: ["cli.ts"] }, ["got Deno 1.46.3, Node.js none"]],
  ["a Deno that says no version", { deno: "", entries: ["cli.ts"] }, ["got Deno none"]],
  ["Node.js and a checkout", { node: "v24.0.0", entries: ["cli.ts"] }, [
    "got Deno none, Node.js 24.0.0",
    "/k c has no cli.js: npm install -g @kclite/kclite brings one",
  ]],
];

for (const [title, machine, says] of REFUSALS) {
  Deno.test({
    name: `bin/kclite says what to install, and downloads nothing, where there is ${title}`,
    ignore: !IS_UNIX,
    async fn() {
      const { code, stdout, stderr } = await launch(machine, ARGS);
      assertEquals([code, stdout], [127, ""]);
      for (const text of says) assertStringIncludes(stderr, text);
      assertStringIncludes(stderr, "pip install deno, or npm install -g deno");
    },
  });
}

for (const [name, version, entry] of [["deno", DENO, "cli.ts"], ["node", "v22.1.0", "cli.js"]] as const) {
  Deno.test({
    name: `bin/kclite is replaced by what it starts: a signal reaches ${name} itself`,
    ignore: !IS_UNIX,
    async fn() {
      const files = {
        "bin/kclite": LAUNCHER,
        [entry]: "",
        [`path/${name}`]: `#!/bin/sh
if [ "$1" = --version ]; then echo "${version}"; exit 0; fi
trap 'echo stopped by TERM; exit 143' TERM
echo "pid $$"
while :; do /bin/sleep 0.05; done
`,
      };
      await withFolder(files, async (folder) => {
        for (const path of ["bin/kclite", `path/${name}`]) await Deno.chmod(`${folder}/${path}`, 0o755);
        for (const tool of ["dirname", "readlink"]) {
          await Deno.symlink(await whereIs(tool), `${folder}/path/${tool}`);
        }
        const child = new Deno.Command(`${folder}/bin/kclite`, {
          env: { PATH: `${folder}/path` },
          stdout: "piped",
        }).spawn();
        const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        let output = "";
        while (!output.includes("\n")) output += (await reader.read()).value ?? "";
        const pid = Number(/pid (\d+)/.exec(output)?.[1]);
        Deno.kill(pid, pid === child.pid ? "SIGTERM" : "SIGKILL");
        for (let read = await reader.read(); !read.done; read = await reader.read()) output += read.value;
        assertEquals([pid, output.includes("stopped by TERM")], [child.pid, true]);
        assertEquals((await child.status).code, 143);
      });
    },
  });
}

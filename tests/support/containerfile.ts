/**
 * Reads the part of a Containerfile that deploy/Containerfile needs, and checks it. Its steps are run in
 * plain folders, where no container engine is.
 *
 * A stage is a folder in place of a container's root. What the base image brings (Deno, a shell) is this
 * machine's. Users, networks and limits are not there: no test says anything about those beyond what stands
 * in the file.
 *
 * @module
 */

import { runCommand } from "./command.ts";

/** One instruction, continuation lines joined. */
export interface Instruction {
  readonly line: number;
  readonly name: string;
  readonly args: string;
}

/** One stage: from a FROM to the next. */
export interface Stage {
  readonly name: string;
  /** With the defaults of ARG put in. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** What a container of a stage would be started with; paths as in the container. */
export interface Image {
  /** The folder in place of the container's root. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
}

const KNOWN: ReadonlySet<string> = new Set(
  "ARG FROM WORKDIR COPY RUN ENV USER EXPOSE HEALTHCHECK ENTRYPOINT CMD".split(" "),
);

/** @throws {SyntaxError} for an instruction that nothing here knows. */
export function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let open: { line: number; text: string } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(raw)) continue;
    const goesOn = raw.endsWith("\\");
    open = { line: open?.line ?? index + 1, text: `${open?.text ?? ""}${goesOn ? raw.slice(0, -1) : raw}` };
    if (goesOn) continue;
    const [, name = "", args = ""] = /^\s*(\w+)\s+([^]*)$/.exec(open.text) ?? [];
    if (!KNOWN.has(name)) {
      throw new SyntaxError(`line ${open.line}: expected one of ${[...KNOWN]}: got ${open.text}`);
    }
    instructions.push({ line: open.line, name, args: args.trim() });
    open = undefined;
  }
  return instructions;
}

/** The stages, in order. */
export function stagesOf(text: string): Stage[] {
  const args = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === "FROM") {
      const [, base = "", name = `${stages.length}`] =
        /^(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?$/.exec(instruction.args) ??
          [];
      const known = base.replace(/\$\{(\w+)\}/g, (_, arg) => args.get(arg) ?? "");
      stages.push({ name, base: known, instructions: [] });
    } else if (stage === undefined) {
      const [name = "", value = ""] = instruction.args.split("=");
      args.set(name, value);
    } else stage.instructions.push(instruction);
  }
  return stages;
}

/** The last instruction of a name, as its arguments; undefined if there is none. */
export function lastOf(stage: Stage, name: string): string | undefined {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.args;
}

/** A list in the form of JSON, from where it begins; a shell's form is refused. */
export function execForm(args: string): readonly string[] {
  return JSON.parse(args.slice(args.indexOf("[")));
}

/** The flags of a COPY, and its sources and target. */
function copyOf(
  args: string,
): { readonly from: string | undefined; readonly sources: string[]; readonly target: string } {
  const words = args.split(/\s+/);
  const flags = words.filter((word) => word.startsWith("--"));
  const other = flags.find((flag) => !flag.startsWith("--from="));
  if (other !== undefined) throw new SyntaxError(`expected no flag of COPY but --from: got ${other}`);
  const paths = words.filter((word) => !word.startsWith("--"));
  return { from: flags[0]?.slice("--from=".length), sources: paths.slice(0, -1), target: paths.at(-1) ?? "" };
}

/**
 * What is wrong with a Containerfile; each begins with the stage.
 *
 * @param exists Whether the build's context has a path.
 */
export function containerfileProblems(text: string, exists: (path: string) => boolean): string[] {
  const stages = stagesOf(text);
  const problems: string[] = stages.length > 1
    ? []
    : ["expected several stages, so that no tool for building is shipped"];
  const before = new Set<string>();
  for (const stage of stages) {
    const say = (problem: string) => problems.push(`${stage.name}: ${problem}`);
    if (!before.has(stage.base) && !/:[\w-]*\d+\.\d+\.\d+\b|@sha256:[0-9a-f]{64}$/.test(stage.base)) {
      say(`base ${stage.base} has neither an exact version nor a digest`);
    }
    for (const { name, args } of stage.instructions) {
      if (name !== "COPY") continue;
      const { from, sources } = copyOf(args);
      if (from !== undefined && !before.has(from)) say(`COPY from ${from}, which is no earlier stage`);
      if (from !== undefined) continue;
      for (const path of sources.filter((path) => !exists(path))) say(`COPY of ${path}, which is not there`);
    }
    before.add(stage.name);
    const entrypoint = lastOf(stage, "ENTRYPOINT");
    if (entrypoint === undefined) continue; // nothing is started
    if (!entrypoint.startsWith("[")) say("ENTRYPOINT runs in a shell, which keeps signals for itself");
    const user = lastOf(stage, "USER");
    if (user === undefined || !/^[1-9]\d*:[1-9]\d*$/.test(user)) {
      say(`USER is ${user}: expected numbers, and not root's`);
    }
    if (lastOf(stage, "HEALTHCHECK") === undefined) say("no HEALTHCHECK");
  }
  return problems;
}

/**
 * Carries the steps of all stages out.
 *
 * @param context The folder that COPY reads from.
 * @param folder An empty folder for the stages.
 * @throws {Error} with what a step printed, when it fails.
 */
export async function buildImages(
  text: string,
  { context, folder }: { readonly context: string; readonly folder: string },
): Promise<ReadonlyMap<string, Image>> {
  const images = new Map<string, Image>();
  for (const stage of stagesOf(text)) {
    const root = `${folder}/${stage.name}`;
    await Deno.mkdir(root);
    let workdir = "/";
    const env: Record<string, string> = {};
    for (const { name, args } of stage.instructions) {
      if (name === "WORKDIR") {
        workdir = args.startsWith("/") ? args : `${workdir.replace(/\/$/, "")}/${args}`;
        await Deno.mkdir(`${root}${workdir}`, { recursive: true });
      } else if (name === "ENV") {
        for (const [, key = "", value = ""] of args.matchAll(/(\w+)=(\S+)/g)) env[key] = value;
      } else if (name === "COPY") {
        const { from, sources, target } = copyOf(args);
        const base = from === undefined ? context : `${images.get(from)?.root}`;
        const to = `${root}${target.startsWith("/") ? target : `${workdir}/${target}`}`;
        for (const source of sources) await copy(`${base}/${source}`, to);
      } else if (name === "RUN") await runStep(args, { cwd: `${root}${workdir}`, env });
    }
    const list = (name: string) => {
      const args = lastOf(stage, name);
      return args === undefined ? [] : execForm(args);
    };
    images.set(stage.name, {
      root,
      workdir,
      env,
      entrypoint: list("ENTRYPOINT"),
      cmd: list("CMD"),
      healthcheck: list("HEALTHCHECK"),
    });
  }
  return images;
}

/** Paths of the container that are there, as paths of this machine. */
export function onThisMachine({ root }: Image, words: readonly string[]): string[] {
  return words.map((word) => word.startsWith("/") ? `${root}${word}` : word);
}

async function runStep(
  command: string,
  options: { readonly cwd: string; readonly env: Record<string, string> },
) {
  if (/(^|[\s=])\//.test(command)) {
    throw new SyntaxError(
      `expected relative paths alone, which mean the same in a plain folder: got ${command}`,
    );
  }
  const { code, stdout, stderr } = await runCommand("/bin/sh", ["-c", command], {
    ...options,
    timeoutMs: 120_000,
  });
  if (code !== 0) throw new Error(`RUN ${command} ended with code ${code}:\n${stdout}${stderr}`);
}

/** As COPY does: a folder's content; a file into a folder, or under the name of the target. */
async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    const isFolder = to.endsWith("/");
    await Deno.mkdir(isFolder ? to : to.slice(0, to.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(from, isFolder ? `${to}${from.slice(from.lastIndexOf("/") + 1)}` : to);
    return;
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copy(`${from}/${name}`, `${to.replace(/\/$/, "")}/${name}`);
  }
}

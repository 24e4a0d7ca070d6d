/**
 * What is wrong with a workflow of GitHub Actions: who gets which rights, which foreign code runs, what is
 * printed.
 *
 * @module
 */

import { listAt, mapAt, textAt, valueAt, yamlDocuments, type YamlMap } from "./yaml.ts";

/** What a workflow may ask for and call. */
export interface WorkflowRules {
  /** The rights of each job that has any but to read the contents. */
  readonly rights: Readonly<Record<string, readonly string[]>>;
  /** Tasks of deno.json, and those that are to come. */
  readonly tasks: readonly string[];
}

/** A step's place, and the step. */
interface Step {
  readonly place: string;
  readonly job: string;
  readonly step: YamlMap;
}

/** Its steps, in order. */
export function stepsOf(workflow: YamlMap): Step[] {
  return Object.entries(mapAt(workflow, "jobs")).flatMap(([job, body]) =>
    listAt(body, "steps").map((step, index) => ({ place: `${job} #${index + 1}`, job, step: mapAt(step) }))
  );
}

/** The problems of a workflow's text, each with its place. */
export function workflowProblems(text: string, { rights, tasks }: WorkflowRules): string[] {
  const [workflow] = yamlDocuments(text);
  if (workflow === undefined) return ["empty"];
  const problems: string[] = [];
  for (const line of text.split("\n").filter((line) => /^[\s-]*uses:/.test(line))) {
    if (!/uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)) {
      problems.push(`${line.trim()}: expected an action of GitHub, by commit, with its version as a comment`);
    }
  }
  const everyone = rightsOf(workflow);
  if (everyone === undefined) problems.push("expected permissions for the workflow");
  else if (everyone.some((right) => right !== "contents: read")) {
    problems.push(`every job has the rights ${everyone}`);
  }
  for (const [job, body] of Object.entries(mapAt(workflow, "jobs"))) {
    const own = rightsOf(mapAt(body)) ?? everyone ?? [];
    const more = own.filter((right) => !["contents: read", ...(rights[job] ?? [])].includes(right));
    if (more.length > 0) problems.push(`${job} has the rights ${more}`);
    if (valueAt(body, "timeout-minutes") === undefined) problems.push(`${job} has no time limit`);
  }
  for (const { place, step } of stepsOf(workflow)) {
    problems.push(...stepProblems(step, tasks).map((problem) => `${place} ${problem}`));
  }
  return problems;
}

/** As `contents: read`; undefined if nothing is said, which means everything. */
function rightsOf(at: YamlMap): string[] | undefined {
  if (at.permissions === undefined) return undefined;
  if (typeof at.permissions === "string") return [at.permissions];
  return Object.entries(mapAt(at, "permissions")).map(([name, level]) => `${name}: ${level}`);
}

function stepProblems(step: YamlMap, tasks: readonly string[]): string[] {
  const problems: string[] = [];
  if (step.uses === undefined) {
    const run = textAt(step, "run");
    // What stands in ${{ }} becomes part of the script: a secret, or a title that somebody else chose.
    if (run.includes("${{")) problems.push("puts ${{ }} into a script: expected a variable of env");
    if (/\bset -[a-z]*x|\bprintenv\b|(^|[;&|]\s*)env\s*($|[|>])/m.test(run)) {
      problems.push("prints its environment");
    }
    for (const [name, value] of Object.entries(step.env === undefined ? {} : mapAt(step, "env"))) {
      const isSecret = /secrets\.|github\.token/.test(`${value}`);
      if (isSecret && new RegExp(`\\b(?:echo|printf|cat|tee)\\b[^\\n]*\\$\\{?${name}\\b`).test(run)) {
        problems.push(`prints ${name}`);
      }
    }
    for (const [, task = ""] of run.matchAll(/\bdeno task ([\w:-]+)/g)) {
      if (!tasks.includes(task)) problems.push(`runs task ${task}: deno.json has none`);
    }
    return problems;
  }
  if (
    textAt(step, "uses").startsWith("actions/checkout@") &&
    valueAt(step, "with", "persist-credentials") !== false
  ) {
    problems.push("leaves a token in the checkout");
  }
  return problems;
}

/** `.github/workflows`: rights, pinned actions, tasks that exist, nothing secret printed; and that all of it fits together. */

import { PACKED } from "../runtimes/pack.ts";
import { wheelName } from "../runtimes/wheel.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { stepsOf, workflowProblems, type WorkflowRules } from "../support/workflows.ts";
import { listAt, mapAt, textAt, valueAt, yamlFile } from "../support/yaml.ts";
import { read } from "./facts.ts";

const { tasks } = JSON.parse(await read("deno.json"));
const RULES: WorkflowRules = {
  rights: {
    npm: ["id-token: write"],
    pypi: ["id-token: write"],
    jsr: ["id-token: write"],
    image: ["packages: write"],
    github: ["contents: write"],
  },
  tasks: Object.keys(tasks),
};
const FOLDER = new URL("../../.github/workflows/", import.meta.url);
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => `.github/workflows/${name}`).toSorted();

const SHA = "8e8c483db84b4bee98b60c0593521ed34d9990e8";
const GOOD = `on: push
permissions: {}
jobs:
  npm:
    timeout-minutes: 5
    permissions:
      id-token: write
    steps:
      - uses: actions/checkout@${SHA} # v6.0.1
        with:
          persist-credentials: false
      - run: deno task pack
      - env:
          TOKEN: \${{ secrets.TOKEN }}
        run: publish --password-stdin <<< "$TOKEN"
`;

/** What is changed in a good workflow, and what is said then. */
const CASES: readonly (readonly [find: string, put: string, says: string])[] = [
  [`@${SHA} # v6.0.1`, "@v6", "expected an action of GitHub, by commit"],
  [`@${SHA} # v6.0.1`, `@${SHA}`, "with its version as a comment"],
  ["actions/checkout", "someone/checkout", "expected an action of GitHub"],
  ["permissions: {}", "permissions: write-all", "every job has the rights write-all"],
  ["permissions: {}\n", "", "expected permissions for the workflow"],
  ["id-token: write", "id-token: write\n      contents: write", "npm has the rights contents: write"],
  ["    permissions:\n      id-token: write", "    permissions: write-all", "npm has the rights write-all"],
  ["    timeout-minutes: 5\n", "", "npm has no time limit"],
  ["persist-credentials: false", "fetch-depth: 0", "npm #1 leaves a token in the checkout"],
  ["deno task pack", "deno task pakc", "npm #2 runs task pakc"],
  ["deno task pack", "echo ${{ github.event.head_commit.message }}", "npm #2 puts ${{ }} into a script"],
  ['publish --password-stdin <<< "$TOKEN"', 'echo "it is $TOKEN"', "npm #3 prints TOKEN"],
  ["publish --password-stdin", "set -ex; publish --password-stdin", "npm #3 prints its environment"],
  ['publish --password-stdin <<< "$TOKEN"', "env | sort", "npm #3 prints its environment"],
];

for (const [find, put, says] of CASES) {
  Deno.test(`workflowProblems() objects: ${says}`, () => {
    const rules = { ...RULES, tasks: ["pack"] };
    assertEquals(workflowProblems(GOOD, rules), []);
    assert(GOOD.includes(find));
    assertStringIncludes(workflowProblems(GOOD.replace(find, () => put), rules).join("\n"), says);
  });
}

for (const name of NAMES) {
  Deno.test(`${name} has nothing to object to, and scripts that a shell can read`, async () => {
    assertEquals(workflowProblems(await read(name), RULES), []);
    for (const { place, step } of stepsOf(await yamlFile(name))) {
      if (step.run === undefined) continue;
      const { code, stderr } = await runCommand("bash", ["-n", "-c", textAt(step, "run")]);
      assertEquals([place, code, stderr], [place, 0, ""]);
    }
  });
}

Deno.test("the workflows install the Deno of deploy/Containerfile", async () => {
  const [, version] = /denoland\/deno:debian-(\S+)$/m.exec(await read("deploy/Containerfile")) ?? [];
  for (const name of NAMES) {
    const installed = [...(await read(name)).matchAll(/\bdeno@(\S+)/g)].map(([, found]) => found);
    assert(installed.length > 0);
    assertEquals(installed.filter((found) => found !== version), []);
  }
});

Deno.test("the workflow ci runs .ci/run, on changes and on main, and starts deploy/compose.yaml", async () => {
  const ci = await yamlFile(".github/workflows/ci.yml");
  assertEquals([Object.keys(mapAt(ci, "on")), valueAt(ci, "on", "push", "branches")], [[
    "push",
    "pull_request",
  ], ["main"]]);
  const scripts = stepsOf(ci).map(({ step }) => `${step.run}`);
  assert(scripts.includes(".ci/run"));
  assert(scripts.some((script) => /^docker compose --file deploy\/compose\.yaml up .*--wait\b/.test(script)));
});

Deno.test("the workflow release publishes what one job has made and tested, and only for a tag", async () => {
  const release = await yamlFile(".github/workflows/release.yml");
  assertEquals(mapAt(release, "on"), { push: { tags: ["v*"] } });
  const jobs = mapAt(release, "jobs");
  for (const [name, job] of Object.entries(jobs)) {
    if (name !== "build") assertStringIncludes([valueAt(job, "needs")].flat().join(" "), "build");
  }
  const scripts = (job: string) =>
    listAt(jobs, job, "steps").map((step) => `${valueAt(step, "run") ?? ""}`).join("\n");
  const build = scripts("build");
  assert(build.indexOf(".ci/run") < build.indexOf("deno task pack"), "tested first");
  const [, summed = ""] = /sha256sum (.*) > SHA256SUMS/.exec(build) ?? [];
  const wheel = wheelName({ name: "kclite", version: "*" }).replace("-py3-none-any", "");
  assertEquals(summed.split(" "), [PACKED, "kclite.cdx.json", wheel]);
  assertMatch(scripts("npm"), new RegExp(`npm publish \\./${PACKED} --provenance --access public`));
  assertMatch(scripts("npm"), /sha256sum --check SHA256SUMS/);
  assert(
    build.indexOf("deno task pack:python --try") < build.indexOf(summed),
    "the wheel is made, and tried",
  );
  const twine = /pipx run (twine==\d+\.\d+\.\d+) check --strict release\/kclite-\*\.whl/.exec(build)?.[1];
  assert(twine !== undefined, "PyPI's own check, of one version");
  // A path that is no glob for one wheel would send the other files too.
  assertMatch(scripts("pypi"), /sha256sum --check SHA256SUMS/);
  assertStringIncludes(scripts("pypi"), `pipx run ${twine} upload --non-interactive ${wheel}`);
  const publishers = Object.entries(jobs).filter(([, job]) => valueAt(job, "environment") === "release");
  assertEquals(publishers.map(([name]) => name), ["npm", "pypi", "jsr", "image"]);
  const last = [valueAt(jobs, "github", "needs")].flat();
  assertEquals(publishers.filter(([name]) => !last.includes(name)), [], "the page of releases comes last");
  assertStringIncludes(scripts("github"), `${summed} SHA256SUMS`);
  assertEquals(scripts("jsr").trim().split("\n").at(-1), "deno publish");
  assertStringIncludes(scripts("image"), "DENO_IMAGE=${base%:*}@$digest");
});

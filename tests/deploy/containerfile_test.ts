/** `deploy/Containerfile` and `deploy/compose.yaml`: what is written there, and what comes of it in plain folders. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { CliProcess } from "../support/cli_process.ts";
import { runCommand } from "../support/command.ts";
import {
  buildImages,
  containerfileProblems,
  execForm,
  type Image,
  instructionsOf,
  lastOf,
  onThisMachine,
  type Stage,
  stagesOf,
} from "../support/containerfile.ts";
import { withFolder } from "../support/folder.ts";
import { until } from "../support/fleet.ts";
import { listAt, mapAt, textAt, valueAt, yamlFile } from "../support/yaml.ts";
import { GRACE_MS, isServed, leastStopSeconds, read, variable, VARIABLES } from "./facts.ts";

const ROOT = await Deno.realPath(new URL("../../", import.meta.url));
const TEXT = await read("deploy/Containerfile");
const COMPOSE = await yamlFile("deploy/compose.yaml");

const GOOD = `ARG BASE=docker.io/denoland/deno:debian-2.9.6
FROM \${BASE} AS build
COPY a.ts ./
FROM \${BASE} AS run
COPY --from=build /a.js /app/a.js
USER 1993:1993
HEALTHCHECK --interval=5s \\
  CMD ["deno", "--version"]
ENTRYPOINT ["deno", "run", "/app/a.js"]
`;

/** What is changed in a good file, and what is said then. */
const CASES: readonly (readonly [find: string, put: string, says: string])[] = [
  [
    "debian-2.9.6",
    "latest",
    "build: base docker.io/denoland/deno:latest has neither an exact version nor a digest",
  ],
  ["debian-2.9.6", "debian-2.9", "run: base docker.io/denoland/deno:debian-2.9 has neither"],
  [":debian-2.9.6", "", "base docker.io/denoland/deno has neither"],
  [":debian-2.9.6", "@sha256:12", "has neither"],
  ["USER 1993:1993\n", "", "run: USER is undefined: expected numbers, and not root's"],
  ["USER 1993:1993", "USER 0:0", "USER is 0:0"],
  ["USER 1993:1993", "USER root", "USER is root"],
  ["USER 1993:1993", "USER 1993:1993\nUSER root", "USER is root"],
  ["a.ts", "b.ts", "build: COPY of b.ts, which is not there"],
  ["--from=build", "--from=bild", "run: COPY from bild, which is no earlier stage"],
  ['["deno", "run", "/app/a.js"]', "deno run /app/a.js", "run: ENTRYPOINT runs in a shell"],
  [`HEALTHCHECK --interval=5s \\\n  CMD ["deno", "--version"]\n`, "", "run: no HEALTHCHECK"],
  ["FROM ${BASE} AS build\nCOPY a.ts ./\n", "", "expected several stages"],
];

for (const [find, put, says] of CASES) {
  Deno.test(`containerfileProblems() objects: ${says}`, () => {
    const exists = (path: string) => path === "a.ts";
    assertEquals(containerfileProblems(GOOD, exists), []);
    assert(GOOD.includes(find));
    assertStringIncludes(containerfileProblems(GOOD.replace(find, () => put), exists).join("\n"), says);
  });
}

Deno.test("containerfileProblems() takes a base by digest", () => {
  const text = GOOD.replace(":debian-2.9.6", `@sha256:${"0a".repeat(32)}`);
  assertEquals(containerfileProblems(text, () => true), []);
});

Deno.test("instructionsOf() joins lines, and refuses what it does not know", () => {
  assertEquals(instructionsOf("# a\nRUN a \\\n  # between\n  && b\n\nUSER 1:1\n"), [
    { line: 2, name: "RUN", args: "a   && b" },
    { line: 6, name: "USER", args: "1:1" },
  ]);
  assertThrows(() => instructionsOf("ADD https://example.com/a /a"), SyntaxError, "line 1");
});

Deno.test("buildImages() carries out COPY, RUN, ENV and WORKDIR, and reports a step that fails", async () => {
  const text = `FROM x:1.2.3 AS a
WORKDIR /b
COPY one.txt two ./
ENV NAME=value OTHER=/b
RUN cat one.txt three.txt > four.txt && printf "$NAME" >> four.txt
FROM x:1.2.3 AS c
COPY --from=a /b/four.txt /d/five.txt
WORKDIR /work
ENTRYPOINT ["deno", "/d/five.txt"]
`;
  await withFolder(
    { "in/one.txt": "1", "in/two/three.txt": "3", "out/.keep": "", "out2/.keep": "" },
    async (folder) => {
      const at = { context: `${folder}/in`, folder: `${folder}/out` };
      const image = (await buildImages(text, at)).get("c");
      assert(image !== undefined);
      const [program, path = ""] = onThisMachine(image, image.entrypoint);
      assertEquals([program, await Deno.readTextFile(path), image.workdir], ["deno", "13value", "/work"]);
      await assertRejects(
        () => buildImages(text.replace("cat", "cat missing"), { ...at, folder: `${folder}/out2` }),
        Error,
        "missing",
      );
      await assertRejects(
        () => buildImages("FROM x:1.2.3 AS e\nRUN rm -r /etc", { ...at, folder: `${folder}/out2` }),
        SyntaxError,
        "relative paths",
      );
    },
  );
});

Deno.test("deploy/Containerfile has nothing to object to, and copies what is there", async () => {
  const tracked = new Set<string>();
  for (const { name, args } of stagesOf(TEXT).flatMap(({ instructions }) => instructions)) {
    if (name !== "COPY" || args.startsWith("--from")) continue;
    for (const path of args.split(/\s+/).slice(0, -1)) {
      if (await Deno.stat(`${ROOT}/${path}`).then(() => true, () => false)) tracked.add(path);
    }
  }
  assertEquals(containerfileProblems(TEXT, (path) => tracked.has(path)), []);
});

Deno.test("deploy/Containerfile is healthy by /live, on the port that the worker is told to serve", async () => {
  const stage = stageOf("kclite");
  const check = execForm(lastOf(stage, "HEALTHCHECK") ?? "").join(" ");
  const name = variable("healthPort");
  const [, path = ""] =
    /http:\/\/127\.0\.0\.1:\$\{Deno\.env\.get\('KCLITE_HEALTH_PORT'\)\}(\/\w+)/.exec(check) ?? [];
  assertEquals([path, await isServed(path), await isServed("/missing")], ["/live", true, false]);
  assertEquals(lastOf(stage, "ENV"), `${name}=${lastOf(stage, "EXPOSE")}`);
  assertEquals(stagesOf(TEXT).at(-1)?.name, "kclite", "what is built without a target");
});

Deno.test("deploy/Containerfile and bin/kclite want the same Deno", async () => {
  const [, major, minor] = /deno:debian-(\d+)\.(\d+)\.\d+$/m.exec(TEXT) ?? [];
  assertStringIncludes(await read("bin/kclite"), `is_at_least "$deno" ${major} ${minor}`);
});

Deno.test("deploy/compose.yaml has the fields that Compose knows, and the stages, files and variables that there are", async () => {
  assertEquals(Object.keys(COMPOSE), ["services"]);
  for (const [name, service] of Object.entries(mapAt(COMPOSE, "services"))) {
    const unknown = Object.keys(mapAt(service)).filter((key) => !SERVICE_FIELDS.has(key));
    assertEquals([name, unknown], [name, []]);
    assertEquals(textAt(service, "build", "context"), "..", "the root of the repository, from the file");
    assertEquals(textAt(service, "build", "dockerfile"), "deploy/Containerfile");
    stageOf(textAt(service, "build", "target"));
  }
  const worker = mapAt(COMPOSE, "services", "worker");
  assertEquals(textAt(worker, "network_mode"), "service:emulator");
  assertEquals(
    valueAt(worker, "ports"),
    undefined,
    "Compose refuses ports beside a network of another service",
  );
  assertEquals(valueAt(worker, "depends_on", "emulator", "condition"), "service_healthy");
  const unknown = Object.keys(mapAt(worker, "environment")).filter((key) =>
    !VARIABLES.has(key) && !/^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)$/.test(key)
  );
  assertEquals(unknown, []);
  const [volume = ""] = listAt(worker, "volumes") as readonly string[];
  const [source = "", target] = volume.split(":");
  assertEquals(target, lastOf(stageOf("kclite"), "WORKDIR"));
  await Deno.stat(`${ROOT}/deploy/${source}/${listAt(worker, "command")[0]}`);
});

Deno.test("deploy/compose.yaml publishes the ports that the emulator and the worker listen on, on loopback alone", () => {
  const ports = listAt(COMPOSE, "services", "emulator", "ports");
  const [command, endpoint] = [listAt(COMPOSE, "services", "emulator", "command"), "http://127.0.0.1:4567"];
  assertEquals(ports, ["4567", "8080"].map((port) => `127.0.0.1:${port}:${port}`));
  assertEquals(command.slice(0, 2), ["--port", "4567"]);
  assertEquals(lastOf(stageOf("emulator"), "EXPOSE"), "4567");
  assertStringIncludes(lastOf(stageOf("emulator"), "HEALTHCHECK") ?? "", endpoint);
  assertEquals(lastOf(stageOf("kclite"), "EXPOSE"), "8080");
  const environment = mapAt(COMPOSE, "services", "worker", "environment");
  for (const name of ["kinesisEndpoint", "dynamoDBEndpoint"]) {
    assertEquals(environment[variable(name)], endpoint);
  }
});

Deno.test("deploy/compose.yaml gives a worker the time that it takes to stop", async () => {
  const worker = mapAt(COMPOSE, "services", "worker");
  assertEquals(valueAt(worker, "environment", variable("shutdownGraceMillis")), `${GRACE_MS}`);
  const seconds = Number(/^(\d+)s$/.exec(textAt(worker, "stop_grace_period"))?.[1]);
  assert(seconds >= await leastStopSeconds(GRACE_MS), `${seconds} s`);
});

Deno.test("deploy/ as it is started: the emulator, a worker that reads from it, /live, HEALTHCHECK, and SIGTERM", async () => {
  await withFolder({}, async (folder) => {
    const images = await buildImages(TEXT, { context: ROOT, folder });
    const [emulatorImage, image] = [imageOf(images, "emulator"), imageOf(images, "kclite")];
    const put = listAt(COMPOSE, "services", "emulator", "command").map(String).slice(2);
    await using emulator = start(emulatorImage, ["--port", "0", ...put], {});
    await emulator.printed(/at http:\S+, in memory/);
    const endpoint = /at (http:\S+), in memory/.exec(emulator.output)?.[1] ?? "";
    const check = (image: Image, from: string, to: string, env: Readonly<Record<string, string>> = {}) =>
      runCommand(Deno.execPath(), image.healthcheck.slice(1).map((word) => word.replace(from, to)), { env });
    assertEquals((await check(emulatorImage, "http://127.0.0.1:4567", endpoint)).code, 0);

    // What Compose mounts, and what it sets.
    for (const name of ["words.ts", "words.properties"]) {
      await Deno.copyFile(`${ROOT}/examples/words/${name}`, `${image.root}${image.workdir}/${name}`);
    }
    const environment = Object.entries(mapAt(COMPOSE, "services", "worker", "environment")).map((
      [key, value],
    ) => [
      key,
      `${value}`.replace("http://127.0.0.1:4567", endpoint).replace("0.0.0.0", "127.0.0.1"),
    ]);
    const command = listAt(COMPOSE, "services", "worker", "command").map(String);
    const env = { ...Object.fromEntries(environment), KCLITE_HEALTH_PORT: "0" };
    await using worker = start(image, command, env);
    await worker.printed(/Health is served at http:\S+/);
    const url = /Health is served at (http:\S+)/.exec(worker.output)?.[1] ?? "";
    const live = await fetch(`${url}/live`);
    assertEquals([live.status, (await live.json()).alive], [200, true]);
    const port = { KCLITE_HEALTH_PORT: new URL(url).port };
    assertEquals((await check(image, "", "", port)).code, 0);
    await until("records are read", async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return [...text.matchAll(/^kclite_shard_processed_records_total\S* ([\d.]+)$/gm)].some(([, count]) =>
        Number(count) > 0
      );
    });
    assertEquals(
      (await fetch(`${url}/ready`).then(async (answer) => [answer.status, await answer.text()]))[0],
      200,
    );

    worker.kill("SIGTERM");
    assertEquals(await worker.exitCode(), 143, worker.output);
    const gone = await check(image, "", "", port);
    assert(gone.code !== 0, "the check fails where nothing answers");
    emulator.kill("SIGTERM");
    await emulator.exitCode();
    assertMatch(emulator.output, /Stopped\.\n$/);
  });
});

/** Starts what a container of the image would start. */
function start(image: Image, args: readonly string[], env: Readonly<Record<string, string>>): CliProcess {
  const [program, ...words] = onThisMachine(image, image.entrypoint);
  assertEquals(program, "deno");
  return new CliProcess({
    deno: words,
    args,
    cwd: `${image.root}${image.workdir}`,
    env: { ...image.env, ...env },
  });
}

function stageOf(name: string): Stage {
  const stage = stagesOf(TEXT).find((stage) => stage.name === name);
  assert(stage !== undefined, `a stage "${name}"`);
  return stage;
}

function imageOf(images: ReadonlyMap<string, Image>, name: string): Image {
  const image = images.get(name);
  assert(image !== undefined, `an image "${name}"`);
  return image;
}

/** Of the Compose specification, those that are used here or likely to be. */
const SERVICE_FIELDS: ReadonlySet<string> = new Set(
  ("build cap_drop command depends_on environment healthcheck image init network_mode ports read_only restart security_opt " +
    "stop_grace_period tmpfs user volumes").split(" "),
);

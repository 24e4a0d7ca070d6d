/** `deploy/kubernetes`: fields that Kubernetes knows, and names, ports, paths and times that agree with the code. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { settingsOf } from "../../src/options/settings.ts";
import { configurationOf } from "../../src/properties/property_options.ts";
import { fileEntries } from "../../src/properties/property_source.ts";
import { lastOf, stagesOf } from "../support/containerfile.ts";
import { listAt, mapAt, textAt, valueAt, yamlDocuments, yamlFile, type YamlMap } from "../support/yaml.ts";
import { GRACE_MS, isServed, leastStopSeconds, OPTIONS, read, variable, VARIABLES } from "./facts.ts";

const FOLDER = "deploy/kubernetes";
const FILES = [...Deno.readDirSync(new URL(`../../${FOLDER}/`, import.meta.url))].map(({ name }) => name);
const BY_KIND = new Map<string, YamlMap>();
for (const name of FILES) {
  const document = await yamlFile(`${FOLDER}/${name}`);
  BY_KIND.set(textAt(document, "kind"), document);
}
const of = (kind: string): YamlMap => mapAt(BY_KIND.get(kind));
const POD = mapAt(of("Deployment"), "spec", "template", "spec");
const [CONTAINER] = listAt(POD, "containers");
const IMAGE_STAGE = stagesOf(await read("deploy/Containerfile")).find(({ name }) => name === "kclite");

const PROBE = "httpGet initialDelaySeconds periodSeconds timeoutSeconds failureThreshold successThreshold";
/** Of each kind: its API, and the fields at paths that the API has, as far as a worker may want them. Source: Kubernetes 1.30 API reference. */
const SHAPES: Readonly<
  Record<string, { readonly api: string; readonly fields: Readonly<Record<string, string>> }>
> = {
  Deployment: {
    api: "apps/v1",
    fields: {
      "": "apiVersion kind metadata spec",
      "metadata": "name labels annotations",
      "spec": "replicas selector strategy template minReadySeconds revisionHistoryLimit",
      "spec.strategy": "type rollingUpdate",
      "spec.strategy.rollingUpdate": "maxSurge maxUnavailable",
      "spec.template": "metadata spec",
      "spec.template.spec":
        "serviceAccountName automountServiceAccountToken terminationGracePeriodSeconds securityContext containers volumes",
      "spec.template.spec.securityContext": "runAsNonRoot runAsUser runAsGroup fsGroup seccompProfile",
      "spec.template.spec.containers.0":
        "name image args command env envFrom ports livenessProbe readinessProbe startupProbe resources securityContext volumeMounts",
      "spec.template.spec.containers.0.livenessProbe": PROBE,
      "spec.template.spec.containers.0.readinessProbe": PROBE,
      "spec.template.spec.containers.0.resources": "requests limits",
      "spec.template.spec.containers.0.securityContext":
        "allowPrivilegeEscalation readOnlyRootFilesystem capabilities",
    },
  },
  ConfigMap: { api: "v1", fields: { "": "apiVersion kind metadata data", "metadata": "name labels" } },
  ServiceAccount: {
    api: "v1",
    fields: {
      "": "apiVersion kind metadata automountServiceAccountToken",
      "metadata": "name labels annotations",
    },
  },
  PodDisruptionBudget: {
    api: "policy/v1",
    fields: {
      "": "apiVersion kind metadata spec",
      "metadata": "name labels",
      "spec": "maxUnavailable minAvailable selector",
    },
  },
};

/** Fields that the API does not have, and a wrong API. */
function shapeProblems(document: YamlMap): string[] {
  const kind = textAt(document, "kind");
  const shape = SHAPES[kind];
  if (shape === undefined) return [`${kind} is unknown`];
  const problems = document.apiVersion === shape.api ? [] : [`${kind} is of ${shape.api}`];
  for (const [path, known] of Object.entries(shape.fields)) {
    const at = path === "" ? [] : path.split(".");
    const unknown = Object.keys(mapAt(document, ...at)).filter((key) => !known.split(" ").includes(key));
    problems.push(...unknown.map((key) => `${kind} has no ${[...at, key].join(".")}`));
  }
  return problems;
}

Deno.test("shapeProblems() objects to a field in the wrong place, and to an API that is gone", () => {
  const [budget] = yamlDocuments(
    "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailble: 1}",
  );
  assertEquals(shapeProblems(mapAt(budget)), [
    "PodDisruptionBudget is of policy/v1",
    "PodDisruptionBudget has no spec.maxUnavailble",
  ]);
});

Deno.test("deploy/kubernetes has the kinds, APIs and fields that Kubernetes knows", () => {
  assertEquals([...BY_KIND.keys()].toSorted(), Object.keys(SHAPES).toSorted());
  assertEquals([...BY_KIND.values()].flatMap(shapeProblems), []);
});

Deno.test("deploy/kubernetes: names and labels that refer to one another are the same", () => {
  const labels = mapAt(of("Deployment"), "spec", "template", "metadata", "labels");
  for (const kind of ["Deployment", "PodDisruptionBudget"]) {
    assertEquals(mapAt(of(kind), "spec", "selector", "matchLabels"), labels);
  }
  assertEquals(valueAt(POD, "serviceAccountName"), valueAt(of("ServiceAccount"), "metadata", "name"));
  const volumes = listAt(POD, "volumes");
  assertEquals(valueAt(volumes[0], "configMap", "name"), valueAt(of("ConfigMap"), "metadata", "name"));
  const mounts = listAt(CONTAINER, "volumeMounts").map((mount) => valueAt(mount, "name"));
  assertEquals(mounts, volumes.map((volume) => valueAt(volume, "name")));
  const [file] = listAt(CONTAINER, "args");
  const config = listAt(CONTAINER, "volumeMounts")[0];
  assertEquals(file, `${textAt(config, "mountPath")}/${Object.keys(mapAt(of("ConfigMap"), "data"))[0]}`);
});

Deno.test("deploy/kubernetes: probes ask for paths that are served, on the port that is served to others", async () => {
  const env = new Map(
    listAt(CONTAINER, "env").map((entry) => [textAt(entry, "name"), valueAt(entry, "value")]),
  );
  assertEquals([...env.keys()].filter((name) => !VARIABLES.has(name)), []);
  assertEquals(env.get(variable("healthHost")), "0.0.0.0");
  const [port] = listAt(CONTAINER, "ports");
  assertEquals(env.get(variable("healthPort")), `${valueAt(port, "containerPort")}`);
  for (const [probe, path] of [["livenessProbe", "/live"], ["readinessProbe", "/ready"]] as const) {
    assertEquals(mapAt(CONTAINER, probe, "httpGet"), { path, port: textAt(port, "name") });
    assert(await isServed(path));
  }
});

Deno.test("deploy/kubernetes gives a worker the time that it takes to stop", async () => {
  const grace = listAt(CONTAINER, "env").find((entry) =>
    valueAt(entry, "name") === variable("shutdownGraceMillis")
  );
  assertEquals(valueAt(grace, "value"), `${GRACE_MS}`);
  const seconds = Number(valueAt(POD, "terminationGracePeriodSeconds"));
  assert(seconds >= await leastStopSeconds(GRACE_MS), `${seconds} s`);
});

Deno.test("deploy/kubernetes runs the image's own user, without rights, and a version that there is", async () => {
  const [user, group] = (IMAGE_STAGE === undefined ? "" : lastOf(IMAGE_STAGE, "USER") ?? "").split(":").map(
    Number,
  );
  const { runAsNonRoot, runAsUser, runAsGroup } = mapAt(POD, "securityContext");
  assertEquals([runAsNonRoot, runAsUser, runAsGroup], [true, user, group]);
  const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = mapAt(
    CONTAINER,
    "securityContext",
  );
  assertEquals([allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities], [false, true, {
    drop: ["ALL"],
  }]);
  const { version } = JSON.parse(await read("deno.json"));
  assertMatch(
    textAt(CONTAINER, "image"),
    new RegExp(`^ghcr\\.io/[\\w/-]+:${version.replaceAll(".", "\\.")}$`),
  );
});

Deno.test("deploy/kubernetes allows more memory than read-ahead may hold", () => {
  const bytes = (text: string) => Number(/^(\d+)Mi$/.exec(text)?.[1]) * 1024 ** 2;
  const { maxBufferedBytes } = settingsOf(OPTIONS).reading;
  assert(bytes(textAt(CONTAINER, "resources", "requests", "memory")) >= 2 * maxBufferedBytes);
  assert(bytes(textAt(CONTAINER, "resources", "limits", "memory")) >= 3 * maxBufferedBytes);
  assertEquals(valueAt(CONTAINER, "resources", "limits", "cpu"), undefined);
});

Deno.test("deploy/kubernetes: the properties are ones that kclite reads without a word", () => {
  const text = textAt(of("ConfigMap"), "data", "app.properties");
  const { notices, options } = configurationOf([fileEntries(text, "app.properties")]);
  assertEquals(notices.filter(({ level }) => level === "warning"), []);
  assertEquals([options.applicationName, options.onProcessError], ["orders", "retry"]);
});

Deno.test("deploy/kubernetes: the service account has the web identity that kclite reads, and no token of Kubernetes", async () => {
  const role = textAt(of("ServiceAccount"), "metadata", "annotations", "eks.amazonaws.com/role-arn");
  assertMatch(role, /^arn:aws:iam::\d{12}:role\/[\w+=,.@-]+$/);
  assertEquals([
    valueAt(POD, "automountServiceAccountToken"),
    of("ServiceAccount").automountServiceAccountToken,
  ], [
    false,
    false,
  ]);
  const sources = await read("src/aws/credential_sources/chain.ts");
  assertMatch(sources, /web_?identity/i);
  const name = /name\s*=\s*"(kclite-)\$\{var\.application_name\}"/.exec(await read("deploy/terraform/iam.tf"))
    ?.[1];
  assert(
    name !== undefined && role.endsWith(`:role/${name}orders`),
    "the role that deploy/terraform makes for this application",
  );
});

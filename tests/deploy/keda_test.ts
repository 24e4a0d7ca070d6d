/**
 * `deploy/keda`: fields that KEDA knows; names, ports and the secret those of `deploy/kubernetes`; and path, field
 * and header those of the health app, which is asked as KEDA asks it.
 */

import { assert, assertEquals } from "@std/assert";
import { healthApp, Totals } from "../../src/health/mod.ts";
import { scaleOf } from "../../src/health/scale.ts";
import { LOOK_EVERY_MS } from "../../src/health/fleet_watch.ts";
import { TREND_MINUTES } from "../../src/observe/lag_trend.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { listAt, mapAt, textAt, valueAt, yamlFile, type YamlMap } from "../support/yaml.ts";
import { read, variable } from "./facts.ts";

const SCALED = await yamlFile("deploy/keda/scaledobject.yaml");
const AUTHENTICATION = await yamlFile("deploy/keda/triggerauthentication.yaml");
const SERVICE = await yamlFile("deploy/keda/service.yaml");
const DEPLOYMENT = await yamlFile("deploy/kubernetes/deployment.yaml");
const [CONTAINER] = listAt(DEPLOYMENT, "spec", "template", "spec", "containers");
const [TRIGGER] = listAt(SCALED, "spec", "triggers");
const URL_OF_SCALE = new URL(textAt(TRIGGER, "metadata", "url"));
const TOKEN = "a-token-of-16-or-more";

/** A leader of three workers on nine shards, of which none is behind. */
function leader() {
  const totals = new Totals(new FakeClock());
  totals.listener(SAMPLE_EVENTS.workerStarting);
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  totals.listener(sample("assignmentPass", { leases: 9, workers: 3 }));
  return healthApp(totals, { token: TOKEN });
}

/** The header that KEDA's metrics-api scaler sends. Source: KEDA 2.17, "Metrics API", authentication. */
function headersOf(trigger: YamlMap, authentication: YamlMap, token: string): Record<string, string> {
  assertEquals(valueAt(trigger, "metadata", "authMode"), "bearer");
  assertEquals(valueAt(trigger, "authenticationRef", "name"), valueAt(authentication, "metadata", "name"));
  const [target] = listAt(authentication, "spec", "secretTargetRef");
  return textAt(target, "parameter") === "token" ? { authorization: `Bearer ${token}` } : {};
}

Deno.test("deploy/keda asks the health app for a path and a field that it has, with a token that it takes", async () => {
  const app = leader();
  const headers = headersOf(mapAt(TRIGGER), AUTHENTICATION, TOKEN);
  const answer = await app.request(URL_OF_SCALE.pathname, { headers });
  assertEquals(answer.status, 200);
  const body = await answer.json();
  // KEDA reads a number. With the target 1 HPA sets as many workers.
  assertEquals(body[textAt(TRIGGER, "metadata", "valueLocation")], 3);
  assertEquals(valueAt(TRIGGER, "metadata", "targetValue"), "1");
  assertEquals(valueAt(TRIGGER, "metricType"), "AverageValue");
  for (const wrong of [{}, headersOf(mapAt(TRIGGER), AUTHENTICATION, `${TOKEN}!`)]) {
    assertEquals((await app.request(URL_OF_SCALE.pathname, { headers: wrong })).status, 401);
  }
});

Deno.test("deploy/keda: worker and KEDA have the token from one secret", () => {
  const [target] = listAt(AUTHENTICATION, "spec", "secretTargetRef");
  const entry = listAt(CONTAINER, "env").find((each) => valueAt(each, "name") === variable("healthToken"));
  const { name, key, optional } = mapAt(entry, "valueFrom", "secretKeyRef");
  assertEquals({ name, key }, { name: textAt(target, "name"), key: textAt(target, "key") });
  // Without KEDA there need not be such a secret.
  assertEquals(optional, true);
});

Deno.test("deploy/keda: the URL is that of the service, and the service that of the workers' health", () => {
  assertEquals(URL_OF_SCALE.hostname, `${textAt(SERVICE, "metadata", "name")}.default.svc`);
  const [port] = listAt(SERVICE, "spec", "ports");
  assertEquals(URL_OF_SCALE.port, `${valueAt(port, "port")}`);
  const [health] = listAt(CONTAINER, "ports");
  assertEquals(valueAt(port, "targetPort"), textAt(health, "name"));
  const labels = mapAt(DEPLOYMENT, "spec", "template", "metadata", "labels");
  assertEquals(mapAt(SERVICE, "spec", "selector"), labels);
  assertEquals(mapAt(SCALED, "spec", "scaleTargetRef"), { name: textAt(DEPLOYMENT, "metadata", "name") });
});

Deno.test("deploy/keda grows no more than once within a trend, and never to no worker at all", () => {
  const { minReplicaCount, maxReplicaCount, pollingInterval } = mapAt(SCALED, "spec");
  assertEquals(minReplicaCount, 1);
  assert(Number(maxReplicaCount) > 1);
  assert(Number(pollingInterval) * 1000 >= LOOK_EVERY_MS);
  assertEquals(valueAt(TRIGGER, "useCachedMetrics"), true);
  const behavior = mapAt(SCALED, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior");
  assertEquals(listAt(behavior, "scaleUp", "policies"), [
    { type: "Percent", value: 100, periodSeconds: TREND_MINUTES * 60 },
  ]);
  for (const direction of ["scaleUp", "scaleDown"]) {
    // What HPA takes. Source: Kubernetes 1.30 API reference, HPAScalingRules.
    assert(Number(valueAt(behavior, direction, "stabilizationWindowSeconds")) <= 3600);
    for (const policy of listAt(behavior, direction, "policies")) {
      assert(Number(valueAt(policy, "periodSeconds")) <= 1800);
    }
  }
});

Deno.test("deploy/keda has the kinds, APIs and fields that KEDA and Kubernetes know", () => {
  const keysOf = (document: YamlMap, ...path: string[]) => Object.keys(mapAt(document, ...path)).toSorted();
  assertEquals([SCALED.apiVersion, SCALED.kind], ["keda.sh/v1alpha1", "ScaledObject"]);
  assertEquals([AUTHENTICATION.apiVersion, AUTHENTICATION.kind], [
    "keda.sh/v1alpha1",
    "TriggerAuthentication",
  ]);
  assertEquals([SERVICE.apiVersion, SERVICE.kind], ["v1", "Service"]);
  for (const document of [SCALED, AUTHENTICATION, SERVICE]) {
    assertEquals(keysOf(document), ["apiVersion", "kind", "metadata", "spec"]);
  }
  assertEquals(keysOf(SCALED, "spec"), [
    ...["advanced", "maxReplicaCount", "minReplicaCount", "pollingInterval", "scaleTargetRef", "triggers"],
  ]);
  assertEquals(keysOf(mapAt(TRIGGER)), [
    "authenticationRef",
    "metadata",
    "metricType",
    "type",
    "useCachedMetrics",
  ]);
  assertEquals(valueAt(TRIGGER, "type"), "metrics-api");
  // KEDA refuses metadata that is no text.
  for (const value of Object.values(mapAt(TRIGGER, "metadata"))) assertEquals(typeof value, "string");
  assertEquals(keysOf(mapAt(TRIGGER), "metadata"), ["authMode", "targetValue", "url", "valueLocation"]);
});

Deno.test("docs/deploy.md names the files of deploy/keda, and the secret as they have it", async () => {
  const text = await read("docs/deploy.md");
  const [target] = listAt(AUTHENTICATION, "spec", "secretTargetRef");
  const secret = `kubectl create secret generic ${textAt(target, "name")} --from-literal=${
    textAt(target, "key")
  }=`;
  for (const part of [secret, "kubectl apply --filename deploy/keda/", "`deploy/keda/scaledobject.yaml`"]) {
    assert(text.includes(part), part);
  }
});

Deno.test("docs/deploy.md shows the answer that scaleOf() gives for its example", async () => {
  const text = await read("docs/deploy.md");
  const [, shown = ""] = /```json\s+(\{[^}]*"workersWanted"[^}]*\})/.exec(text) ?? [];
  const worker = {
    state: "reports",
    leases: 4,
    cpuPercent: 60,
    cpuLimitPercent: 100,
    drainingSinceEpochS: undefined,
  } as const;
  const leases = Array.from({ length: 12 }, (_, i) => ({ leaseKey: `${i}`, lagMs: i === 0 ? 600_000 : 0 }));
  const fleet = { workers: [worker, worker, worker], leases, ageMs: 0 };
  assertEquals(JSON.parse(shown), { ...scaleOf(new Totals(new FakeClock()).snapshot(), fleet) });
});

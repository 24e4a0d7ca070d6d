/** Fleets made of a worker's options: how the table is reached, and what is refused. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fleetOf, type FleetOptions, healthApp, Totals } from "../../src/health/mod.ts";
import { openFleetAccess } from "../../src/operate/open_access.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { newLease } from "../lease/fixtures.ts";

const KEYS = { accessKeyId: "any", secretAccessKey: "any" };

async function bed() {
  const aws = simulatedAws({ streams: { words: 1 }, changeMs: 0 });
  const asked: string[] = [];
  const system = {
    ...aws.system,
    fetch: (...[input, init]: Parameters<typeof fetch>) => {
      const [, operation = ""] = new Request(input, init).headers.get("x-amz-target")?.split(".") ?? [];
      asked.push(operation);
      return aws.system.fetch(input, init);
    },
  };
  const options = {
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: KEYS,
    system,
  };
  const access = openFleetAccess({ ...options, system: aws.system });
  await access.leaseStore.ensureTable();
  await access.leaseStore.create(newLease("shard-of-another"));
  return { aws, asked, options, access };
}

Deno.test("healthApp() with a fleet reads the table for a page, once, and for nothing else that it serves", async () => {
  const { aws, asked, options } = await bed();
  await using fleet = fleetOf(options);
  const app = healthApp(new Totals(), { fleet });
  for (const path of ["/live", "/ready", "/health", "/lag", "/metrics"]) await app.request(path);
  await app.request("/", { method: "HEAD" });
  await app.request("/events", { method: "HEAD" });
  assertEquals(asked, []);
  for (let turn = 0; turn < 3; turn++) {
    assertStringIncludes(await (await app.request("/")).text(), "shard-of-another");
  }
  assertEquals(asked.filter((operation) => operation === "Scan").length, 1);
  aws.close();
});

Deno.test("healthApp() names the permission that its page lacks, and answers all the same", async () => {
  const { aws, options } = await bed();
  aws.faults.next("Scan", { type: "refused", code: "AccessDeniedException", times: Infinity });
  await using fleet = fleetOf(options);
  const response = await healthApp(new Totals(), { fleet }).request("/");
  assertEquals(response.status, 200);
  assertStringIncludes(await response.text(), "allow dynamodb:Scan");
  aws.close();
});

Deno.test("healthApp() answers 503 to one browser too many, and says when to come again", async () => {
  const app = healthApp(new Totals());
  const open = await Promise.all(Array.from({ length: 64 }, () => app.request("/events")));
  const refused = await app.request("/events");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "30"]);
  await refused.body?.cancel();
  await Promise.all(open.map(({ body }) => body?.cancel()));
  const again = await app.request("/events");
  assertEquals(again.status, 200);
  await again.body?.cancel();
});

Deno.test("fleetOf() reads the stores that a worker was given, and needs no region or keys then", async () => {
  const { aws, access: { leaseStore, coordinatorStore } } = await bed();
  await using fleet = fleetOf({ applicationName: "app", leaseStore, coordinatorStore });
  const page = await (await healthApp(new Totals(), { fleet }).request("/")).text();
  assertStringIncludes(page, "shard-of-another");
  assertEquals([fleet.applicationName, fleet.tableName, fleet.region], ["app", "app", undefined]);
  aws.close();
});

Deno.test("fleetOf() takes the region of a stream's ARN, and says what is missing", () => {
  const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/words";
  assertEquals(fleetOf({ applicationName: "a", streamArn: arn, credentials: KEYS }).region, "eu-west-1");
  assertEquals(fleetOf({ applicationName: "a", streams: ["x", arn], credentials: KEYS }).region, "eu-west-1");
  const wrong: readonly [FleetOptions, string][] = [
    [{ applicationName: "a", credentials: KEYS }, "expected region"],
    [{ applicationName: "a", region: "eu-west-1" }, "expected credentials"],
  ];
  for (const [options, text] of wrong) {
    const error = assertThrows(() => fleetOf(options), TypeError, text);
    assert(error.message.startsWith("Cannot show the fleet: "), error.message);
  }
});

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "./support/fast_check.ts";
import { editDistance, nearestName, refuseUnknownNames } from "../src/nearest_name.ts";
import { healthApp, type HealthAppOptions, Totals } from "../src/health/mod.ts";
import {
  simulate,
  simulatedAws,
  type SimulatedAwsOptions,
  type SimulationOptions,
} from "../src/testing/mod.ts";
import { seeded } from "./support/seed.ts";

const NAMES = ["streamName", "streamArn", "failoverTimeMillis", "fanoutConfig.consumerName", "retrievalMode"];

Deno.test("nearestName() finds what was meant, whatever the case and the signs between words", () => {
  assertEquals(nearestName("steamName", NAMES), "streamName");
  assertEquals(nearestName("streamARN", NAMES), "streamArn");
  assertEquals(nearestName("RetrievalMode", NAMES), "retrievalMode");
  assertEquals(nearestName("failover-time-milis", NAMES), "failoverTimeMillis");
  assertEquals(nearestName("FANOUT_CONFIG_CONSUMER_NAME", NAMES), "fanoutConfig.consumerName");
});

Deno.test("nearestName() guesses nothing where more than a third of the letters differ", () => {
  assertEquals(nearestName("zebra", NAMES), undefined);
  assertEquals(nearestName("", NAMES), undefined);
  assertEquals(nearestName("streamName".slice(0, 5), NAMES), undefined);
});

Deno.test("nearestName() spends no time on what is no name", () => {
  assertEquals(nearestName("streamName".repeat(1_000_000), NAMES), undefined);
});

Deno.test("nearestName() takes two swapped letters for one mistake", () => {
  assertEquals(nearestName("shrad", ["stream", "shard"]), "shard");
  assertEquals(editDistance("abcd", "badc"), 2);
  assertEquals(editDistance("ab", "ba"), 1);
});

Deno.test("editDistance() counts insertions, deletions and replacements", () => {
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("abc", "abc"), 0);
});

Deno.test("editDistance() is a distance", () => {
  const word = () => fc.string({ unit: fc.constantFrom(..."abc"), maxLength: 6 });
  fc.assert(
    fc.property(word(), word(), word(), (a, b, c) => {
      assertEquals(editDistance(a, b), editDistance(b, a));
      assertEquals(editDistance(a, b) === 0, a === b);
      assertEquals(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c), true);
    }),
    seeded(),
  );
});

Deno.test("refuseUnknownNames() refuses a name that means nothing, with the nearest that does", () => {
  const refuse = (...names: readonly string[]) =>
    refuseUnknownNames(names, ["seed", "workers"], { action: "Cannot simulate", prefix: "a." });
  refuse();
  refuse("workers", "seed");
  assertThrows(
    () => refuse("seed", "wokers"),
    TypeError,
    "Cannot simulate: there is no option a.wokers: did you mean workers?",
  );
  assertThrows(() => refuse("zebra"), TypeError, "there is no option a.zebra: remove it");
});

Deno.test("simulate(), simulatedAws() and healthApp() refuse a name that is no option, in JavaScript too", async () => {
  const misspelt: unknown = { seed: 1, wokers: 2 };
  await assertRejects(() => simulate(misspelt as SimulationOptions), TypeError, "did you mean workers?");
  const aws: unknown = { strems: { words: 1 } };
  assertThrows(() => simulatedAws(aws as SimulatedAwsOptions), TypeError, "did you mean streams?");
  const limits: unknown = { failoverTimeMilis: 5000 };
  const totals = new Totals();
  assertThrows(
    () => healthApp(totals, limits as HealthAppOptions),
    TypeError,
    "did you mean failoverTimeMs?",
  );
});

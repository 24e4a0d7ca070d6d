import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { editDistance, nearestName } from "../src/nearest_name.ts";
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

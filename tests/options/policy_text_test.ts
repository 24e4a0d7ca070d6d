import { assertEquals } from "@std/assert";
import { errorRule, policyText } from "../../src/options/policy_text.ts";
import { settingsOf } from "../../src/options/settings.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { deadLetter, park } from "../../src/failures/mod.ts";

const then = deadLetter({ name: "dead.jsonl", store: () => Promise.resolve() });
const key = { concurrency: { order: "key" } } as const;

const CASES: readonly [Pick<WorkerOptions, "errors" | "concurrency">, string][] = [
  [{ errors: {} }, "is tried again until it succeeds"],
  [{ errors: { retry: { attempts: 0 } } }, "is not tried again, then its records stop their shard"],
  [
    { errors: { retry: { attempts: 1 }, split: "bisect", onExhausted: "skip" } },
    "is tried again once at the most, in halves, then its records are SKIPPED",
  ],
  [
    { errors: { retry: { attempts: 3, maxAgeMs: 90_500 }, onExhausted: then } },
    "is tried again 3 times at the most, then its records go to dead.jsonl; records older than 90.5 s go to dead.jsonl",
  ],
  [
    { errors: { retry: { maxAgeMs: 60_000 }, onExhausted: "skip" } },
    "is tried again until it succeeds; records older than 60 s are SKIPPED",
  ],
  [
    { errors: { retry: { maxAgeMs: 60_000 }, onExhausted: park({ then }) }, ...key },
    "is not tried again, then its keys are parked; records older than 60 s go to dead.jsonl",
  ],
];

const base = { applicationName: "app", streamName: "words", region: "us-east-1" };

for (const [options, text] of CASES) {
  Deno.test(`policyText() says: ${text}`, () => {
    const settings = settingsOf({ ...base, ...options });
    assertEquals(errorRule(settings), { rule: "policy", isChosen: true, policy: text });
    if (settings.failures !== undefined) assertEquals(policyText(settings.failures.errors), text);
  });
}

Deno.test("errorRule() without errors is onProcessError, also beside batches", () => {
  const rule = { rule: "skip", isChosen: false } as const;
  assertEquals(errorRule(settingsOf(base)), rule);
  assertEquals(errorRule(settingsOf({ ...base, batch: { size: 1 } })), rule);
  assertEquals(errorRule(settingsOf({ ...base, onProcessError: "stop" })), {
    ...rule,
    rule: "stop",
    isChosen: true,
  });
});

import { assertEquals } from "@std/assert";
import type { WorkerEvent } from "../../src/events.ts";
import { leaveFleet, leaveStep } from "../../src/worker/leaving.ts";
import type { Team } from "../../src/worker/team.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";

function bed() {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const failures = () =>
    eventsOf(events, "passFailed").map(({ pass, error }) => [pass, (error as Error).message]);
  return { clock, failures, options: { clock, emit: (event: WorkerEvent) => void events.push(event) } };
}

Deno.test("leaveStep() reports a step that fails, and goes on", async () => {
  const { options, failures } = bed();
  await leaveStep(options, () => Promise.reject(new Error("table down")));
  assertEquals(failures(), [["leave", "table down"]]);
});

Deno.test("leaveStep() ends a step that hangs after two seconds", async () => {
  const { clock, options, failures } = bed();
  const seen: AbortSignal[] = [];
  const step = leaveStep(options, (limited) => {
    seen.push(limited);
    return new Promise((_, reject) => limited.addEventListener("abort", () => reject(limited.reason)));
  });
  await clock.advance(1999);
  assertEquals([seen[0]?.aborted, failures().length], [false, 0]);
  await clock.advance(1);
  await step;
  assertEquals([seen[0]?.aborted, failures().length], [true, 1]);
});

Deno.test("leaveFleet() takes each step in its order, whichever of them fails", async () => {
  for (const failing of [undefined, "withdraw", "successors", "release"]) {
    const { options, failures } = bed();
    const steps: string[] = [];
    const step = <T>(name: string, result: T): Promise<T> => {
      steps.push(name);
      return name === failing ? Promise.reject(new Error(name)) : Promise.resolve(result);
    };
    const chosen = new Map([["lease", "other"]]);
    const member = {
      withdraw: () => step("withdraw", undefined),
      successors: () => step("successors", chosen),
      release: () => step("release", undefined),
    };
    const set: ReadonlyMap<string, string>[] = [];
    await leaveFleet(
      {
        member,
        setSuccessors: (successors: ReadonlyMap<string, string>) => void set.push(successors),
      } as unknown as Team,
      options,
    );
    assertEquals(steps, ["withdraw", "successors", "release"]);
    assertEquals(failures().map(([, text]) => text), failing === undefined ? [] : [failing]);
    assertEquals(set, failing === "successors" ? [] : [chosen]);
  }
});

import { assert, assertEquals, assertGreater } from "@std/assert";
import { sampleLines } from "../../docs/observing_page.ts";
import { unionMembers } from "../../docs/source_docs.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

/** Headings of symptoms. */
async function symptoms(): Promise<readonly string[]> {
  return [...(await read("docs/troubleshooting.md")).matchAll(/^### (.*)$/gm)].map(([, heading = ""]) =>
    heading
  );
}

Deno.test("docs/troubleshooting.md quotes lines that a worker can log", async () => {
  const sources = await Promise.all(
    ["observe/fault_watch.ts", "observe/data_loss.ts", "observe/read_trouble.ts", "options/option_table.ts"]
      .map((file) => read(`src/${file}`)),
  );
  const lines = [...await sampleLines(), ...sources];
  const quotes = (await symptoms()).flatMap((heading) =>
    [...heading.matchAll(/"([^"]+)"/g)].map((match) => match[1])
  );
  assertGreater(quotes.length, 15);
  const wrong = quotes.filter((quote) => {
    const parts = (quote ?? "").split("…").map((part) => part.trim());
    return !lines.some((line) => parts.every((part) => line.includes(part)));
  });
  assertEquals(wrong, []);
});

Deno.test("docs/troubleshooting.md has an entry for each fault code, and names none that there is not", async () => {
  const codes = new Set(
    [
      ...unionMembers(await read("src/observe/verdict.ts"), "FaultCode"),
      ...unionMembers(await read("src/lease_events.ts"), "FleetFaultCode"),
    ].map(({ text }) => text.replaceAll('"', "")).filter((code) =>
      /^[a-z]\w+$/i.test(code) && code !== "FleetFaultCode"
    ),
  );
  const named = (await symptoms()).filter((heading) => /\bfault\b/i.test(heading)).flatMap((heading) =>
    [...heading.matchAll(/`(\w+)`/g)].map(([, code = ""]) => code)
  );
  assertEquals(named.toSorted(), [...codes].toSorted());
});

Deno.test("docs/troubleshooting.md says of every symptom why, and what to do", async () => {
  const entries = (await read("docs/troubleshooting.md")).split(/^#{2,3} /m).slice(1);
  const withSymptom = entries.filter((entry) => entry.includes("**Why**"));
  assertGreater(withSymptom.length, 20);
  for (const entry of withSymptom) assert(entry.includes("**What to do**"), entry.split("\n")[0]);
});

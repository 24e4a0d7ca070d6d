import { assert, assertEquals } from "@std/assert";
import { relayStderr } from "../../src/multilang/stderr_relay.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeChild } from "./fake_child.ts";

function startRelay() {
  const child = new FakeChild();
  const clock = new FakeClock();
  const lines: string[] = [];
  let raw = "";
  const target = {
    text: (text: string) => void (raw += text),
    line: (text: string) => void lines.push(text),
  };
  const end = relayStderr(child.stderr, target, clock);
  return { child, clock, lines, end, raw: () => raw };
}

Deno.test("relayStderr() passes bytes on at once, and lines once they are whole", async () => {
  const { child, clock, lines, end, raw } = startRelay();
  child.complain("one\ntw");
  await clock.advance(0);
  assertEquals([raw(), lines.join()], ["one\ntw", "one"]);
  child.complain("o\n\nthree");
  await clock.advance(0);
  assertEquals(lines, ["one", "two"]);
  child.exit();
  await end;
  assertEquals(lines, ["one", "two", "three"]);
  assertEquals(raw(), "one\ntwo\n\nthree");
});

Deno.test("relayStderr() passes a line without an end on after a second, however it drips (trap 26)", async () => {
  const { child, clock, lines, end } = startRelay();
  child.complain("a");
  for (let i = 0; i < 3; i++) {
    await clock.advance(300);
    child.complain("b");
  }
  await clock.advance(99);
  assertEquals(lines, []);
  await clock.advance(1);
  assertEquals(lines, ["abbb"]);
  child.exit();
  await end;
});

Deno.test("relayStderr() bounds a line without an end, and gives all of it, in pieces (trap 26)", async () => {
  const { child, clock, lines, end } = startRelay();
  const text = Array.from({ length: 20_000 }, (_, i) => `${i} `).join("");
  for (let at = 0; at < text.length; at += 10_000) child.complain(text.slice(at, at + 10_000));
  await clock.advance(0);
  // All but the 64 KiB at most that are still held back.
  const given = lines.join("").length;
  assert(text.length - given <= 65536 && given > 0);
  child.exit();
  await end;
  assertEquals(lines.join(""), text);
  assert(lines.every((line) => line.length <= 800));
});

import { assertEquals } from "@std/assert";
import { RecentMap } from "../src/recent_map.ts";

Deno.test("RecentMap forgets what was set longest ago, and what is set again is new", () => {
  const map = new RecentMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  assertEquals([map.get("a"), map.get("b"), map.get("c")], [3, undefined, 4]);
});

Deno.test("RecentMap.keep() forgets all others", () => {
  const map = new RecentMap<string, number>(9);
  for (const key of ["a1", "b1", "a2"]) map.set(key, 0);
  map.keep((key) => key.startsWith("a"));
  map.delete("a1");
  assertEquals([map.get("a1"), map.get("b1"), map.get("a2")], [undefined, undefined, 0]);
});

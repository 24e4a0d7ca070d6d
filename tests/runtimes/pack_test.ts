/** What the npm package says about packages that are not always needed. Packing itself: `packed.ts`. */

import { assertEquals, assertThrows } from "@std/assert";
import { OPTIONAL_PEERS, withOptionalPeers } from "./pack.ts";

Deno.test("withOptionalPeers() asks for the version or a later one, and lets npm leave it out", () => {
  assertEquals(withOptionalPeers({ name: "a", dependencies: { hono: "^4.0.0" } }, ["npm:@x/y@3.1.0"]), {
    name: "a",
    dependencies: { hono: "^4.0.0" },
    peerDependencies: { "@x/y": "^3.1.0" },
    peerDependenciesMeta: { "@x/y": { optional: true } },
  });
});

Deno.test("withOptionalPeers() refuses a package that npm would install all the same", () => {
  const json = { dependencies: { "@x/y": "^3.1.0" } };
  assertThrows(() => withOptionalPeers(json, ["npm:@x/y@3.1.0"]), Error, "to be optional: got a dependency");
  assertThrows(() => withOptionalPeers(json, ["npm:@x/y"]), RangeError, "expected npm:name@version");
});

Deno.test("OPTIONAL_PEERS are those that withOptionalPeers() can write", () => {
  assertEquals(Object.keys(withOptionalPeers({}, OPTIONAL_PEERS).peerDependencies ?? {}), [
    "@aws-sdk/credential-providers",
  ]);
});

import { assertEquals } from "@std/assert";
import { hideSecrets } from "../../src/aws/hidden_secrets.ts";

Deno.test("hideSecrets() hides each secret wherever it stands", () => {
  const one = "0123456789abcdef", two = "a-session-token-of-any-length";
  assertEquals(
    hideSecrets(`${one} and ${two}, ${one} again`, [one, undefined, two]),
    "(hidden) and (hidden), (hidden) again",
  );
});

Deno.test("hideSecrets() leaves what is too short to be a secret", () => {
  assertEquals(hideSecrets("a test of tests", ["test", "", "0123456789abcde"]), "a test of tests");
});

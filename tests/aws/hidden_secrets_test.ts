import { assertEquals } from "@std/assert";
import { hideSecrets, shownWord } from "../../src/aws/hidden_secrets.ts";

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

Deno.test("hideSecrets() hides a secret as a URL and as markup have it", () => {
  const secret = "abc/def+ghi==&jkl<mno>";
  assertEquals(
    hideSecrets(`x=${encodeURIComponent(secret)} <a>abc/def+ghi==&amp;jkl&lt;mno&gt;</a>`, [secret]),
    "x=(hidden) <a>(hidden)</a>",
  );
});

Deno.test("shownWord() lets through what may be a code or a request's id, and nothing else", () => {
  const secret = "0123456789abcdef";
  for (const word of ["AccessDenied", "a.b_c-1", "x".repeat(100)]) {
    assertEquals(shownWord(word, [secret]), word);
  }
  for (const word of ["", null, undefined, "x".repeat(101), "a b", "a\nb", "\x1b[31m", "<b>", `A${secret}`]) {
    assertEquals(shownWord(word, [secret, undefined, ""]), undefined);
  }
});

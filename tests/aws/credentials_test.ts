import { assert, assertEquals, assertThrows } from "@std/assert";
import { guardedCredentials, staticCredentials } from "../../src/aws/credentials.ts";

Deno.test("guardedCredentials() show neither secret nor token when printed, copied or turned into JSON", () => {
  const credentials = guardedCredentials({
    accessKeyId: "AKID",
    secretAccessKey: "geheim-1",
    sessionToken: "geheim-2",
    expiresEpochMs: 5,
  }, "a test");
  assertEquals([credentials.secretAccessKey, credentials.sessionToken], ["geheim-1", "geheim-2"]);
  const shown = `${JSON.stringify(credentials)} ${Deno.inspect(credentials)} ${
    JSON.stringify({ ...credentials })
  } ${Object.entries(credentials)} ${String(credentials)}`;
  assert(shown.includes("AKID") && !shown.includes("geheim"), shown);
});

Deno.test("guardedCredentials() take an empty token as none", () => {
  const credentials = guardedCredentials(
    { accessKeyId: "a", secretAccessKey: "s", sessionToken: "" },
    "a test",
  );
  assertEquals(credentials.sessionToken, undefined);
});

Deno.test("staticCredentials() are always the same, and refuse an empty part by name", async () => {
  const provider = staticCredentials({ accessKeyId: "a", secretAccessKey: "s" });
  assert(await provider() === await provider());
  assertEquals((await provider()).expiresEpochMs, undefined);
  assertThrows(
    () => staticCredentials({ accessKeyId: "", secretAccessKey: "s" }),
    TypeError,
    "accessKeyId is empty",
  );
  assertThrows(
    () => staticCredentials({ accessKeyId: "a", secretAccessKey: "" }),
    TypeError,
    "secretAccessKey is empty",
  );
});

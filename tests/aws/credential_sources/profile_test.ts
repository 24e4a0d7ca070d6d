import { assert, assertEquals, assertRejects } from "@std/assert";
import { profileCredentials } from "../../../src/aws/credential_sources/profile.ts";
import { CredentialsError } from "../../../src/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const MINUTE = 60_000;
const noNetwork = () => Promise.reject(new Error("no network here"));

Deno.test("profileCredentials() asks for the profile by its name, and shows neither secret nor token", async () => {
  const asked: (string | undefined)[] = [];
  const system = { clock: new FakeClock(), random: () => 0, fetch: noNetwork };
  const profile = (name: string | undefined) => {
    asked.push(name);
    return Promise.resolve({ accessKeyId: "AKID", secretAccessKey: "geheim", sessionToken: "geheim-too" });
  };
  for (const name of ["dev", undefined]) {
    const credentials = await profileCredentials(name, { system, profile })();
    assertEquals([credentials.secretAccessKey, credentials.sessionToken], ["geheim", "geheim-too"]);
    const shown = `${Deno.inspect(credentials)} ${JSON.stringify(credentials)}`;
    assert(!shown.includes("geheim"), shown);
  }
  assertEquals(asked, ["dev", undefined]);
});

Deno.test("profileCredentials() are asked for again five minutes before their end, as those of a role", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const profile = () => {
    asked++;
    const expiresEpochMs = clock.epochMs() + 60 * MINUTE;
    return Promise.resolve({ accessKeyId: `id-${asked}`, secretAccessKey: "s", expiresEpochMs });
  };
  const provider = profileCredentials("dev", {
    system: { clock, random: () => 0, fetch: noNetwork },
    profile,
  });
  await provider();
  await clock.advance(55 * MINUTE - 1);
  assertEquals((await provider()).accessKeyId, "id-1");
  await clock.advance(1);
  assertEquals((await provider()).accessKeyId, "id-2");
});

Deno.test("profileCredentials() says so where there are no profile files", async () => {
  const provider = profileCredentials("dev", {
    system: { clock: new FakeClock(), random: () => 0, fetch: noNetwork },
  });
  await assertRejects(() => provider(), CredentialsError, "profile files are not read here");
});

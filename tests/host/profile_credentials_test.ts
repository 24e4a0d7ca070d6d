/** Profiles in real files, with STS on loopback. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { CredentialsError } from "../../src/errors.ts";
import { PROFILE_PACKAGE, profileLoader } from "../../src/host/profile_credentials.ts";
import { runCommand } from "../support/command.ts";

async function withFiles(
  files: { readonly credentials?: string; readonly config?: string },
  body: (paths: { credentialsFile: string; configFile: string }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const paths = { credentialsFile: `${folder}/credentials`, configFile: `${folder}/config` };
    if (files.credentials !== undefined) await Deno.writeTextFile(paths.credentialsFile, files.credentials);
    if (files.config !== undefined) await Deno.writeTextFile(paths.configFile, files.config);
    await body(paths);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const BASE = "[default]\naws_access_key_id = one\naws_secret_access_key = s1\n" +
  "[work]\naws_access_key_id = two\naws_secret_access_key = s2\naws_session_token = t2\n";

Deno.test("profileLoader() reads the default profile and named ones, anew each time", async () => {
  await withFiles({ credentials: BASE }, async (paths) => {
    const load = profileLoader(paths);
    const plain = { secretAccessKey: "s1", sessionToken: undefined, expiresEpochMs: undefined };
    assertEquals(await load("default"), { accessKeyId: "one", ...plain });
    assertEquals(await load("work"), {
      accessKeyId: "two",
      secretAccessKey: "s2",
      sessionToken: "t2",
      expiresEpochMs: undefined,
    });
    await Deno.writeTextFile(paths.credentialsFile, BASE.replace("= one", "= three"));
    assertEquals(await load("default"), { accessKeyId: "three", ...plain });
  });
});

Deno.test("profileLoader() runs a credential_process, and repeats nothing of one that fails", async () => {
  const printed = JSON.stringify({
    Version: 1,
    AccessKeyId: "p",
    SecretAccessKey: "s",
    SessionToken: "t",
    Expiration: "2999-01-01T00:00:00Z",
  });
  const config = `[default]\ncredential_process = echo '${printed}'\n` +
    "[profile broken]\ncredential_process = echo geheim-1 >&2; exit 3 # geheim-2\n" +
    "[profile chatty]\ncredential_process = echo geheim\n";
  await withFiles({ config }, async (paths) => {
    const load = profileLoader(paths);
    assertEquals(await load("default"), {
      accessKeyId: "p",
      secretAccessKey: "s",
      sessionToken: "t",
      expiresEpochMs: Date.UTC(2999, 0, 1),
    });
    for (const name of ["broken", "chatty"]) {
      const error = await assertRejects(() => load(name), CredentialsError, "credential_process");
      assert(!Deno.inspect(error, { depth: 10 }).includes("geheim"));
    }
  });
});

Deno.test("profileLoader() follows a chain of roles to their source", async () => {
  const asked: string[] = [];
  await using sts = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const role = new URLSearchParams(await request.text()).get("RoleArn") ?? "";
    const key = /Credential=(\w+)/.exec(request.headers.get("authorization") ?? "")?.[1];
    asked.push(`${key} asks for ${role}`);
    return new Response(
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>${role.split("/")[1]}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
      <SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      { headers: { "content-type": "text/xml" } },
    );
  });
  const before = Deno.env.get("AWS_ENDPOINT_URL_STS");
  Deno.env.set("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${sts.addr.port}`);
  try {
    const config =
      "[profile inner]\nrole_arn = arn:aws:iam::123456789012:role/inner\nsource_profile = work\n" +
      "[profile outer]\nrole_arn = arn:aws:iam::123456789012:role/outer\nsource_profile = inner\n";
    await withFiles({ credentials: BASE, config }, async (paths) => {
      const { accessKeyId, expiresEpochMs } = await profileLoader({ ...paths, region: "eu-central-1" })(
        "outer",
      );
      assertEquals([accessKeyId, expiresEpochMs], ["outer", Date.UTC(2999, 0, 1)]);
    });
    assertEquals(asked, [
      "two asks for arn:aws:iam::123456789012:role/inner",
      "inner asks for arn:aws:iam::123456789012:role/outer",
    ]);
  } finally {
    if (before === undefined) Deno.env.delete("AWS_ENDPOINT_URL_STS");
    else Deno.env.set("AWS_ENDPOINT_URL_STS", before);
  }
});

Deno.test("profileLoader() names the files that are not there, and the profile that is not in them", async () => {
  await withFiles({}, async (paths) => {
    const error = await assertRejects(() => profileLoader(paths)(undefined), CredentialsError);
    assertEquals(error.message, `neither ${paths.credentialsFile} nor ${paths.configFile} can be read`);
  });
  await withFiles({ credentials: BASE }, async (paths) => {
    await assertRejects(() => profileLoader(paths)("none"), CredentialsError, "[none]");
  });
});

Deno.test("profileLoader() says what to run where the package for profiles is not there and cannot be had", async () => {
  await withFiles({ credentials: BASE }, async ({ credentialsFile }) => {
    const folder = credentialsFile.slice(0, credentialsFile.lastIndexOf("/"));
    const { href } = new URL("../../src/host/profile_credentials.ts", import.meta.url);
    const source = `import { profileLoader } from ${JSON.stringify(href)};
      const load = profileLoader({ credentialsFile: ${JSON.stringify(credentialsFile)} });
      await load("work").catch((error) => console.log(error.name + ": " + error.message));`;
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    const { stdout, stderr } = await runCommand(
      Deno.execPath(),
      ["run", "-A", "--no-lock", "--cached-only", `${folder}/main.ts`],
      { env: { DENO_DIR: `${folder}/empty` } },
    );
    assertMatch(
      stdout,
      /^CredentialsError: Cannot read the profile files: expected the package @aws-sdk/,
      stderr,
    );
    assertStringIncludes(stdout, `run deno cache "${PROFILE_PACKAGE}"`);
  });
});

Deno.test("profileLoader() says whether a profile is not set up, or set up and failing", async () => {
  const reason = async (
    files: { credentials?: string; config?: string },
    name?: string,
    profile?: string,
  ) => {
    let found = "";
    await withFiles(files, async (paths) => {
      const load = profileLoader({ ...paths, profile });
      found = (await assertRejects(() => load(name), CredentialsError)).reason;
    });
    return found;
  };
  const region = { config: "[default]\nregion = eu-central-1\n[profile work]\nregion = eu-west-1\n" };
  assertEquals(await reason({}), "notConfigured");
  assertEquals(await reason(region), "notConfigured");
  assertEquals(await reason(region, undefined, "work"), "notConfigured");
  assertEquals(await reason(region, undefined, "none"), "refused");
  assertEquals(await reason(region, "work"), "refused");
  assertEquals(await reason({ credentials: "[default]\naws_access_key_id = A\n" }), "refused");
  assertEquals(await reason({ config: "[default]\ncredential_process = exit 3\n" }), "notAnswering");
});

import { assertEquals } from "@std/assert";
import { parseProfileFile, profileSettings } from "../../src/host/profile_settings.ts";
import { withFolder } from "../support/folder.ts";

Deno.test("profileSettings() read the profile's section of both files, the credentials file first", async () => {
  const config = `# comment
[default]
region = eu-west-1
s3 =
  region = nested-1

[profile  work]
output = json
region=us-west-2
[profile empty]
region =
[work]
region = not-me-1
`;
  await withFolder(
    { ".aws/config": config, ".aws/credentials": "[other]\nregion = ap-south-1\n" },
    async (home) => {
      const region = async (env: Readonly<Record<string, string>>) =>
        (await profileSettings({ env: (name) => ({ HOME: home, ...env })[name] }))("region");
      assertEquals(await region({}), "eu-west-1");
      assertEquals(await region({ AWS_PROFILE: " work " }), "us-west-2");
      assertEquals(await region({ AWS_PROFILE: "other" }), "ap-south-1");
      assertEquals(await region({ AWS_PROFILE: "empty" }), undefined);
      assertEquals(await region({ AWS_PROFILE: "missing" }), undefined);
      assertEquals(await region({ AWS_CONFIG_FILE: `${home}/none` }), undefined);
      assertEquals(await region({ HOME: "", AWS_CONFIG_FILE: `${home}/.aws/config` }), "eu-west-1");
    },
  );
  assertEquals((await profileSettings({ env: () => undefined }))("region"), undefined);
});

Deno.test("profileSettings() find a service's own setting in the services section that the profile names", async () => {
  const config = `[profile dev]
services = local
endpoint_url = http://all.test
[services local]
kinesis =
  endpoint_url = http://streams.test # a comment
dynamodb =
  other = x
endpoint_url = http://not.test
`;
  await withFolder({ ".aws/config": config }, async (home) => {
    const env = (name: string) => ({ HOME: home, AWS_PROFILE: "dev" })[name];
    const settings = await profileSettings({ env });
    assertEquals(settings("endpoint_url"), "http://all.test");
    assertEquals(settings("endpoint_url", "kinesis"), "http://streams.test");
    assertEquals(settings("endpoint_url", "dynamodb"), undefined);
    assertEquals(
      (await profileSettings({ env: (name) => ({ HOME: home })[name] }))("endpoint_url", "kinesis"),
      undefined,
    );
  });
});

Deno.test("parseProfileFile() takes names that every object has for what they are", () => {
  const sections = parseProfileFile("[constructor]\n__proto__ = a\ntoString =\n  valueOf = b\n");
  assertEquals([...sections].map(([name, section]) => [name, [...section]]), [
    ["constructor", [["__proto__", "a"], ["toString.valueOf", "b"]]],
  ]);
});

Deno.test({
  name: "profileSettings() ask the user for no permission",
  permissions: { env: ["AWS_PROFILE"], read: false },
  async fn() {
    const asked: string[] = [];
    const env = (name: string) => (asked.push(name), name === "AWS_CONFIG_FILE" ? "/none" : undefined);
    assertEquals((await profileSettings({ env }))("region"), undefined);
    assertEquals(asked, ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]);
  },
});

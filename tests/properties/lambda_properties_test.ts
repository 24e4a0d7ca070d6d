import { assertEquals, assertThrows } from "@std/assert";
import { configurationOf } from "../../src/properties/property_options.ts";
import { fileEntries } from "../../src/properties/property_source.ts";

const BASE = "applicationName = app\nretrievalMode = POLLING\nstreamName = words\n";

function settingsOf(text: string) {
  const { settings, notices } = configurationOf([fileEntries(`${BASE}${text}`, "app.properties")]);
  assertEquals(notices.filter(({ level }) => level !== "debug"), []);
  return settings;
}

function problemsOf(text: string): string[] {
  return assertThrows(() => settingsOf(text), SyntaxError).message.split("\n");
}

Deno.test("configurationOf() takes a Lambda function in place of executableName, by our names and by Lambda's", () => {
  const mode = { retrievalMode: "POLLING" };
  assertEquals({ ...settingsOf("lambdaHandler = index.handler\n") }, {
    ...mode,
    lambdaHandler: "index.handler",
  });
  const values = {
    lambdaBootstrap: "./bootstrap -v",
    lambdaHandler: "app.handler",
    lambdaTimeoutSeconds: 60,
    lambdaMemorySize: 512,
    lambdaFunctionName: "orders",
    lambdaFunctionArn: "arn:x",
    lambdaDeaggregate: true,
  };
  const ours = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`).join("");
  assertEquals({ ...settingsOf(ours) }, { ...mode, ...values });
  const lambdas =
    "timeout = 60\nmemorySize = 512\nfunctionName = orders\nfunctionArn = arn:x\nlambdaDeaggregate = yes\n";
  assertEquals(
    { ...settingsOf(`lambdaBootstrap = ./bootstrap -v\nlambdaHandler = app.handler\n${lambdas}`) },
    { ...mode, ...values },
  );
});

Deno.test("configurationOf() refuses a program beside a Lambda function, and no executable at all", () => {
  assertEquals(problemsOf("executableName = app.py\nlambdaHandler = index.handler\n"), [
    'Cannot read "app.properties" line 5: expected either lambdaHandler or executableName ("app.properties" line 4): got both',
  ]);
  assertEquals(problemsOf("lambdaBootstrap = ./b\nlambdaHandler = a.b\nexecutableName = app.py\n"), [
    'Cannot read "app.properties" line 4: expected either lambdaBootstrap or executableName ("app.properties" line 6): got both',
  ]);
  assertEquals(problemsOf(""), [
    "Cannot start: expected executableName, e.g. executableName = sample_kclpy_app.py, or lambdaHandler or lambdaBootstrap: got none",
  ]);
});

Deno.test("configurationOf() refuses a timeout that Lambda refuses", () => {
  for (const bad of ["0", "901", "3.5", "three"]) {
    assertEquals(problemsOf(`lambdaHandler = index.handler\ntimeout = ${bad}\n`), [
      `Cannot read "app.properties" line 5: expected a whole number from 1 to 900 for timeout: got "${bad}"`,
    ]);
  }
});

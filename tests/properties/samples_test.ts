/**
 * The sample files of the KCL packages load. Their keys and values are in tests/cases/samples.
 */

import { assertEquals, assertGreater } from "@std/assert";
import { type Configuration, configurationOf, withRegion } from "../../src/properties/property_options.ts";
import { decodeProperties } from "../../src/properties/properties.ts";
import { fileEntries } from "../../src/properties/property_source.ts";

const SAMPLES = new URL("../cases/samples/", import.meta.url);

async function load(name: string, change = (text: string) => text): Promise<Configuration> {
  const text = change(decodeProperties(await Deno.readFile(new URL(name, SAMPLES))));
  return withRegion(configurationOf([fileEntries(text, name)]), undefined);
}

function told({ notices }: Configuration): string[] {
  return notices.filter(({ level }) => level !== "debug").map(({ text }) => text);
}

Deno.test("the Python sample loads: of its made-up ARN only the stream's name counts", async () => {
  const configuration = await load("python_3.2.properties");
  assertEquals(configuration.options, {
    applicationName: "PythonKCLSample",
    streamName: "kclpysample",
    region: "us-east-1",
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "FANOUT",
    shutdownGraceMs: 5000,
  });
  assertEquals(configuration.settings, {
    executableName: "sample_kclpy_app.py",
    processingLanguage: "python/3.8",
    credentials: "DefaultCredentialsProvider",
  });
  assertEquals(told(configuration), [
    '"python_3.2.properties" line 6: streamName gives way to streamArn ("python_3.2.properties" line 4)',
    "streamArn is in us-east-5, but the region is us-east-1: of the ARN only the stream's name, kclpysample, is used",
  ]);
});

Deno.test("the Node.js samples load", async () => {
  const basic = await load("node.properties");
  assertEquals(basic.options, {
    applicationName: "kclnodejssample",
    streamName: "kclnodejssample",
    region: "us-east-1",
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "FANOUT",
    shutdownGraceMs: 5000,
  });
  assertEquals(basic.settings, {
    executableName: "node sample_kcl_app.js",
    processingLanguage: "nodejs/0.10",
    credentials: "DefaultAWSCredentialsProviderChain",
  });
  assertEquals(told(basic), []);
  assertEquals(told(await load("node_click_stream.properties")), []);
  const workflow = await load("node_workflow.properties");
  assertEquals(workflow.options.idleTimeBetweenReadsMs, 250);
  assertEquals(told(workflow), []);
});

Deno.test("every line that a sample offers may be taken in, and an empty one is not set", async () => {
  for (const name of ["python_3.2.properties", "node.properties"]) {
    let offered = 0;
    const configuration = await load(name, (text) =>
      text.replace(/^# ?(?=\w+ *=)/gm, () => {
        offered++;
        return "";
      }));
    assertGreater(offered, 10);
    const words = told(configuration);
    assertEquals(words.filter((text) => text.includes("unknown property")), []);
    assertEquals(configuration.options.maxRecords, 10_000);
    assertEquals(configuration.options.workerIdentifier, undefined);
  }
});

/** What the emulator says to requests that ask for nothing that it answers. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { simulatedAws } from "../../../src/testing/mod.ts";
import { signedHeaders } from "../../support/simulated.ts";

async function answerTo(headers: Readonly<Record<string, string>>, body = "{}", path = "/") {
  const aws = simulatedAws();
  const response = await aws.fetch(new Request(`http://simulated${path}`, { method: "POST", headers, body }));
  return { status: response.status, text: await response.text() };
}

const JSON_TYPE = "application/x-amz-json-1.1", FORM_TYPE = "application/x-www-form-urlencoded";

const cases:
  readonly (readonly [what: string, headers: Record<string, string>, body: string, says: string])[] = [
    [
      "no target",
      without("x-amz-target"),
      "{}",
      "The request names no operation: expected the header X-Amz-Target",
    ],
    ["an empty target", signedHeaders("", JSON_TYPE), "{}", "The request names no operation"],
    [
      "a target without an operation",
      signedHeaders("Kinesis_20131202.", JSON_TYPE),
      "{}",
      "The request names no operation",
    ],
    [
      "an operation that is not answered",
      signedHeaders("Kinesis_20131202.PutResourcePolicy", JSON_TYPE),
      "{}",
      "The operation Kinesis_20131202.PutResourcePolicy is not simulated",
    ],
    [
      "a service that is not answered",
      signedHeaders("DynamoDBAccelerator_1.ListStreams", JSON_TYPE),
      "{}",
      "The operation DynamoDBAccelerator_1.ListStreams is not simulated",
    ],
    [
      "a protocol that DynamoDB does not speak",
      signedHeaders("DynamoDB_20120810.ListTables", "application/x-amz-cbor-1.1"),
      "{}",
      "The operation DynamoDB_20120810.ListTables is not simulated (content type application/x-amz-cbor-1.1)",
    ],
    ["a form without an action", signedHeaders("", FORM_TYPE), "", "The request names no operation"],
    [
      "a form for another service",
      signedHeaders("", FORM_TYPE),
      "Action=GetCallerIdentity&Version=2011-06-15",
      "The operation GetCallerIdentity of the query protocol, version 2011-06-15, is not simulated",
    ],
    [
      "the name of a method of all objects",
      signedHeaders("Kinesis_20131202.constructor", JSON_TYPE),
      "{}",
      "The operation Kinesis_20131202.constructor is not simulated",
    ],
  ];

for (const [what, headers, body, says] of cases) {
  Deno.test(`a request with ${what} is refused, and told why`, async () => {
    const { status, text } = await answerTo(headers, body);
    assertEquals(status, 400);
    assertStringIncludes(text, "UnknownOperation");
    assertStringIncludes(text, says);
  });
}

Deno.test("a request at the path of Smithy's CBOR for an unknown service is refused by its name", async () => {
  const { text } = await answerTo(signedHeaders("", "application/cbor"), "", "/service/Other/operation/Do");
  assertStringIncludes(text, "The operation Other.Do is not simulated");
});

Deno.test("a packed body that unpacks to more than a request may have is refused", async () => {
  const aws = simulatedAws();
  const huge = new Blob([new Uint8Array(17 * 1024 ** 2)]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(huge).arrayBuffer();
  const headers = { ...signedHeaders("Kinesis_20131202.ListStreams", JSON_TYPE), "content-encoding": "gzip" };
  const { status } = await aws.fetch(new Request("http://simulated/", { method: "POST", headers, body }));
  assertEquals(status, 413);
});

function without(name: string): Record<string, string> {
  const { [name]: _, ...rest } = signedHeaders("", JSON_TYPE);
  return rest;
}

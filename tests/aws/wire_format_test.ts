import { assertEquals } from "@std/assert";
import { cborSwitch, isReadInCbor } from "../../src/aws/wire_format.ts";

Deno.test("isReadInCbor() takes CBOR from AWS's own hosts, and JSON from any other", () => {
  const endpoints = {
    "https://kinesis.eu-central-1.amazonaws.com/": true,
    "https://kinesis-fips.us-east-1.amazonaws.com/": true,
    "https://kinesis.eu-central-1.api.aws/": true,
    "https://kinesis.cn-north-1.amazonaws.com.cn/": true,
    "https://kinesis.eusc-de-east-1.amazonaws.eu/": true,
    "https://vpce-1-a.kinesis.eu-central-1.vpce.amazonaws.com/": true,
    "http://127.0.0.1:4567/": false,
    "http://kinesis.eu-central-1.amazonaws.com/": false,
    "https://kinesis.amazonaws.com.example.com/": false,
    "https://myamazonaws.com/": false,
    "https://localhost.localstack.cloud:4566/": false,
  };
  for (const [endpoint, wanted] of Object.entries(endpoints)) {
    assertEquals([endpoint, isReadInCbor("auto", endpoint)], [endpoint, wanted]);
    assertEquals([isReadInCbor("cbor", endpoint), isReadInCbor("json", endpoint)], [true, false]);
  }
  assertEquals(["auto", "cbor", "json"].map((one) => isReadInCbor(one as "auto", undefined)), [
    true,
    true,
    false,
  ]);
});

Deno.test("cborSwitch() names the setting of AWS's SDKs that switches CBOR off", () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ["AWS_CBOR_DISABLE", "true", "AWS_CBOR_DISABLE"],
    ["AWS_CBOR_DISABLE", " 1 ", "AWS_CBOR_DISABLE"],
    ["AWS_CBOR_DISABLE", "False", undefined],
    ["AWS_CBOR_DISABLE", "0", undefined],
    ["AWS_CBOR_DISABLE", "", undefined],
    ["CBOR_ENABLED", " FALSE", "CBOR_ENABLED"],
    ["CBOR_ENABLED", "true", undefined],
    ["CBOR_ENABLED", "", undefined],
    ["OTHER", "false", undefined],
  ];
  for (const [name, value, wanted] of cases) {
    assertEquals([name, value, cborSwitch((asked) => asked === name ? value : undefined)], [
      name,
      value,
      wanted,
    ]);
  }
  const none = () => undefined;
  const java = (name: string, value: string) => (asked: string) => asked === name ? value : undefined;
  assertEquals(cborSwitch(none, java("aws.cborEnabled", "False")), "aws.cborEnabled");
  assertEquals(cborSwitch(none, java("aws.cborEnabled", "true")), undefined);
  assertEquals(
    cborSwitch(none, java("com.amazonaws.sdk.disableCbor", "")),
    "com.amazonaws.sdk.disableCbor",
  );
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { endpointUrl, parseStreamArn } from "../../src/aws/endpoint.ts";
import cases from "../cases/endpoint.json" with { type: "json" };

for (const { comment, url, error, ...request } of cases) {
  const given = `${request.region} and ${request.endpoint ?? "no endpoint"}`;
  Deno.test(`endpointUrl() of ${given} is ${url ?? "an error"}: ${comment}`, () => {
    if (url !== undefined) return assertEquals(endpointUrl(request), url);
    const thrown = assertThrows(() => endpointUrl(request), TypeError, error);
    assert(!thrown.message.includes("geheim"));
  });
}

Deno.test("parseStreamArn() takes an ARN apart, in every partition", () => {
  assertEquals(parseStreamArn("arn:aws:kinesis:eu-central-1:123456789012:stream/my.orders_1-x"), {
    partition: "aws",
    region: "eu-central-1",
    accountId: "123456789012",
    streamName: "my.orders_1-x",
  });
  assertEquals(parseStreamArn("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s").partition, "aws-cn");
  assertEquals(
    parseStreamArn("arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/s").region,
    "us-gov-west-1",
  );
});

Deno.test("parseStreamArn() refuses what is not a stream's ARN, and says what is", () => {
  for (
    const arn of [
      "",
      "orders",
      "arn:aws:kinesis:eu-central-1:12345:stream/orders",
      "arn:aws:kinesis:eu-central-1:123456789012:stream/",
      "arn:aws:kinesis:eu-central-1:123456789012:stream/orders/consumer/app:1",
      "arn:aws:dynamodb:eu-central-1:123456789012:table/orders",
    ]
  ) {
    assertThrows(
      () => parseStreamArn(arn),
      TypeError,
      "arn:aws:kinesis:REGION:ACCOUNT_ID:stream/STREAM_NAME",
    );
  }
});

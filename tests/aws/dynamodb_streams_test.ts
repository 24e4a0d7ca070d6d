/** The client of DynamoDB Streams: its addresses, and what it believes. The emulator's tests use it too. */

import { assertEquals, assertRejects } from "@std/assert";
import { signedDynamoDBStreams, streamsEndpoint, streamsUrl } from "../../src/aws/dynamodb_streams.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { testCredentials } from "../support/test_stream.ts";

Deno.test("streamsUrl() names the public addresses of DynamoDB Streams", () => {
  const [fips, dualStack] = [{ fips: true }, { dualStack: true }];
  assertEquals([
    streamsUrl("eu-central-1", {}),
    streamsUrl("us-east-1", fips),
    streamsUrl("us-east-1", dualStack),
    streamsUrl("us-east-1", { ...fips, ...dualStack }),
    streamsUrl("us-gov-west-1", fips),
    streamsUrl("cn-north-1", {}),
  ], [
    "https://streams.dynamodb.eu-central-1.amazonaws.com/",
    "https://streams.dynamodb-fips.us-east-1.amazonaws.com/",
    "https://streams-dynamodb.us-east-1.api.aws/",
    "https://streams-dynamodb-fips.us-east-1.api.aws/",
    "https://streams.dynamodb.us-gov-west-1.amazonaws.com/",
    "https://streams.dynamodb.cn-north-1.amazonaws.com.cn/",
  ]);
});

Deno.test("streamsEndpoint() takes its own endpoint, then an emulator's, that of the tables first, and of AWS's their kind", () => {
  const of = (kinesisEndpoint?: string, dynamoDBEndpoint?: string, dynamoDBStreamsEndpoint?: string) =>
    streamsEndpoint("us-east-1", { kinesisEndpoint, dynamoDBEndpoint, dynamoDBStreamsEndpoint });
  const usual = "https://streams.dynamodb.us-east-1.amazonaws.com/";
  const vpc = "https://vpce-1.streams.dynamodb.us-east-1.vpce.amazonaws.com";
  assertEquals([
    of(),
    of("http://127.0.0.1:4567"),
    of(undefined, "http://127.0.0.1:8000"),
    of("https://kinesis.us-east-1.amazonaws.com", "http://127.0.0.1:8000"),
    of("https://kinesis-fips.us-east-1.amazonaws.com", "https://dynamodb-fips.us-east-1.amazonaws.com"),
    of("https://kinesis.us-east-1.api.aws"),
    of(undefined, "https://dynamodb.us-east-1.amazonaws.com"),
    of("http://127.0.0.1:4567", "http://127.0.0.1:8000"),
    of("http://127.0.0.1:4567", "http://127.0.0.1:8000", vpc),
    of("https://kinesis-fips.us-east-1.amazonaws.com", undefined, vpc),
  ], [
    usual,
    "http://127.0.0.1:4567",
    "http://127.0.0.1:8000",
    "http://127.0.0.1:8000",
    "https://streams.dynamodb-fips.us-east-1.amazonaws.com/",
    "https://streams-dynamodb.us-east-1.api.aws/",
    usual,
    "http://127.0.0.1:8000",
    vpc,
    vpc,
  ]);
});

function answering(...answers: readonly unknown[]) {
  const requests: Request[] = [];
  const fetch = (input: Request | URL | string, init?: RequestInit) => {
    requests.push(new Request(input, init));
    return Promise.resolve(new Response(JSON.stringify(answers[requests.length - 1] ?? answers.at(-1))));
  };
  const system = { ...realSystem, random: () => 0, fetch };
  const streams = signedDynamoDBStreams({ region: "eu-central-1", credentials: testCredentials, system });
  return { requests, streams };
}

Deno.test("signedDynamoDBStreams() signs as DynamoDB, in JSON 1.0, at the address of the streams", async () => {
  const { requests, streams } = answering({ Records: [] });
  assertEquals(await streams.getRecords("it", 5000), { records: [], nextShardIterator: undefined });
  const [request] = requests;
  assertEquals(request?.url, "https://streams.dynamodb.eu-central-1.amazonaws.com/");
  assertEquals(request?.headers.get("x-amz-target"), "DynamoDBStreams_20120810.GetRecords");
  assertEquals(request?.headers.get("content-type"), "application/x-amz-json-1.0");
  assertEquals(request?.headers.get("authorization")?.includes("/eu-central-1/dynamodb/aws4_request"), true);
  assertEquals(await request?.json(), { ShardIterator: "it", Limit: 1000 });
});

Deno.test("signedDynamoDBStreams() believes no page of shards that leads to itself, and no unknown status", async () => {
  const described = (more: object) => ({
    StreamDescription: { StreamArn: "arn", StreamStatus: "ENABLED", Shards: [], ...more },
  });
  for (const wrong of [described({ LastEvaluatedShardId: "x" }), described({ StreamStatus: "ODD" }), {}]) {
    const { streams } = answering(wrong);
    const query = { streamArn: "arn", afterShardId: "x" };
    const { code } = await assertRejects(() => streams.describeStream(query), AwsServiceError);
    assertEquals(code, "MalformedResponse", JSON.stringify(wrong));
  }
});

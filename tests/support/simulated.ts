/**
 * Clients of a simulated AWS, without a server or over loopback HTTP.
 *
 * @module
 */

import { type DynamoDB, signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { type Kinesis, signedKinesis } from "../../src/aws/kinesis.ts";
import { type KinesisConsumers, signedKinesisConsumers } from "../../src/aws/kinesis_consumers.ts";
import { realSystem, type System } from "../../src/system.ts";
import { type SimulatedAws, simulatedAws, type SimulatedAwsOptions } from "../../src/testing/mod.ts";
import { testCredentials } from "./test_stream.ts";

/** What was answered, a refusal too. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- answers are looked at member by member
  readonly body: any;
}

/** An emulator and its clients. */
export interface Simulated {
  readonly aws: SimulatedAws;
  readonly url: string;
  /** A system whose `fetch` reaches the emulator. */
  readonly system: System;
  readonly service: Parameters<typeof signedKinesis>[0];
  readonly kinesis: Kinesis;
  readonly consumers: KinesisConsumers;
  readonly dynamodb: DynamoDB;
  /**
   * Sends one signed call, and tries nothing again. @param operation Kinesis's, unless the input is one of
   * DynamoDB.
   */
  call(operation: string, input: Readonly<Record<string, unknown>>): Promise<Answered>;
}

/** An emulator in place of `fetch`. Answers are tried again without pauses. */
export function simulated(options: SimulatedAwsOptions = {}): Simulated {
  const aws = simulatedAws({ changeMs: 1, ...options });
  return clientsOf(aws, "http://simulated", { ...realSystem, random: () => 0, fetch: aws.system.fetch });
}

/** An emulator behind a server on a free loopback port. Disposing it waits for its connections. */
export function servedSimulated(options: SimulatedAwsOptions = {}): Simulated & AsyncDisposable {
  const aws = simulatedAws({ changeMs: 1, ...options });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, aws.fetch);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    ...clientsOf(aws, url, { ...realSystem, random: () => 0 }),
    async [Symbol.asyncDispose]() {
      aws.close();
      await server.shutdown();
    },
  };
}

function clientsOf(aws: SimulatedAws, url: string, system: System): Simulated {
  const service = { region: "us-east-1", endpoint: url, credentials: testCredentials, system };
  return {
    aws,
    url,
    system,
    service,
    kinesis: signedKinesis(service),
    consumers: signedKinesisConsumers(service),
    dynamodb: signedDynamoDB(service),
    async call(operation, input) {
      const isTable = DYNAMODB_MEMBERS.some((name) => name in input);
      const response = await system.fetch(url, {
        method: "POST",
        headers: signedHeaders(
          isTable ? `DynamoDB_20120810.${operation}` : `Kinesis_20131202.${operation}`,
          isTable ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1",
        ),
        body: JSON.stringify(input),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text.startsWith("{") ? JSON.parse(text) : text,
      };
    },
  };
}

/** Of which each input of DynamoDB has one. */
const DYNAMODB_MEMBERS = ["TableName", "ResourceArn", "RequestItems", "TransactItems"] as const;

/** Headers that look signed. */
export function signedHeaders(target: string, contentType: string): Record<string, string> {
  return {
    "content-type": contentType,
    "x-amz-target": target,
    "x-amz-date": "20260130T120000Z",
    "authorization": "AWS4-HMAC-SHA256 Credential=key/20260130/us-east-1/kinesis/aws4_request, " +
      "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
  };
}

// Makes the calls that come as lines of JSON with AWS's clients for JavaScript, and answers each with a line. See
// client_process.ts. Runs under Node.js in the folder that the clients are installed in.

import { createInterface } from "node:readline";

const [endpoint] = process.argv.slice(2);
// By names that nothing but Node.js looks up: they are installed where this file is copied to.
const HANDLERS = "@smithy/node-http-handler";
const { NodeHttpHandler } = await import(HANDLERS);
const MAX_EVENTS = 1;
const settings = {
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  maxAttempts: 1,
};

/** Where each service's client is. Kinesis's speaks HTTP/2 unless it is told otherwise. */
const SERVICES = {
  "kinesis": { module: "@aws-sdk/client-kinesis", client: "KinesisClient", more: {} },
  "kinesis-http1": {
    module: "@aws-sdk/client-kinesis",
    client: "KinesisClient",
    more: { requestHandler: new NodeHttpHandler() },
  },
  "dynamodb": { module: "@aws-sdk/client-dynamodb", client: "DynamoDBClient", more: {} },
  "cloudwatch": { module: "@aws-sdk/client-cloudwatch", client: "CloudWatchClient", more: {} },
  "cloudwatch-query": { module: "cloudwatch-query", client: "CloudWatchClient", more: {} },
};

const clients = new Map();

async function clientOf(service) {
  const { module, client, more } = SERVICES[service];
  const exports = await import(module);
  if (!clients.has(service)) clients.set(service, new exports[client]({ ...settings, ...more }));
  return { client: clients.get(service), exports };
}

function given(value) {
  if (Array.isArray(value)) return value.map(given);
  if (typeof value !== "object" || value === null) return value;
  if ("$bytes" in value) return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  if ("$date" in value) return new Date(value.$date);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, given(member)]));
}

async function shown(value) {
  if (Array.isArray(value)) return await Promise.all(value.map(shown));
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Date) return { $date: value.getTime() };
  if (Symbol.asyncIterator in value) return await firstEvents(value);
  const members = Object.entries(value).filter(([name]) => name !== "$metadata" && name !== "$response");
  return Object.fromEntries(
    await Promise.all(members.map(async ([name, member]) => [name, await shown(member)])),
  );
}

/** The first events that tell something. */
async function firstEvents(stream) {
  const events = [];
  for await (const event of stream) {
    if (event.SubscribeToShardEvent?.Records?.length > 0) events.push(await shown(event));
    if (events.length === MAX_EVENTS) break;
  }
  return events;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { service, operation, input } = JSON.parse(line);
  let answer;
  try {
    const { client, exports } = await clientOf(service);
    const command = new exports[`${operation}Command`](given(input));
    answer = { output: await shown(await client.send(command)) };
  } catch (error) {
    answer = { code: error.name, message: error.message, members: await shown({ ...error }) };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);

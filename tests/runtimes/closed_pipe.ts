/**
 * A command whose reader ends first, in the shell: `kclite describe … | head -1`, of a fleet whose description is longer than what a pipe
 * holds.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { serve } from "../../src/host/serve.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { newLease } from "../lease/fixtures.ts";

const REGION = "us-east-1", TABLE = "piped";

/** It ends with 0, and says nothing. @param node The program that runs `.bin/kclite` of `folder`. */
export async function endsWithItsReader(node: string, folder: string): Promise<void> {
  const aws = simulatedAws({ region: REGION });
  const credentials = () => Promise.resolve({ accessKeyId: "a", secretAccessKey: "b" });
  const dynamodb = signedDynamoDB({ region: REGION, credentials, system: aws.system });
  const leaseStore = new DynamoDBLeaseStore({ dynamodb, tableName: TABLE, system: aws.system });
  await leaseStore.ensureTable();
  for (let n = 0; n < 500; n++) await leaseStore.create(newLease(`shardId-${`${n}`.padStart(12, "0")}`));
  const server = await serve((request) => aws.fetch(request), { port: 0, setting: "a port" });
  try {
    const flags =
      `--leases --application ${TABLE} --region ${REGION} --dynamodb-endpoint http://127.0.0.1:${server.port}`;
    const line = `("${node}" node_modules/.bin/kclite describe ${flags}; echo $? >&2) | head -1 | cut -c -3`;
    const env = { HOME: folder, AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
    const { stdout, stderr } = await runCommand("/bin/sh", ["-c", line], {
      cwd: folder,
      env,
      timeoutMs: 30_000,
    });
    assertEquals([stdout.length, stderr], ["app\n".length, "0\n"], stdout);
  } finally {
    await server.close();
  }
}

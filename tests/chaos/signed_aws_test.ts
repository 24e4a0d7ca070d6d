import { assertEquals } from "@std/assert";
import { RequestSigner } from "../../src/aws/request_signer.ts";
import { realClock } from "../../src/system.ts";
import { signedOnly } from "./signed_aws.ts";

const KEYS = { accessKeyId: "chaos", secretAccessKey: "chaos" };

async function statusOf(signedBody: string, sentBody: string, keys = KEYS): Promise<number> {
  const url = "http://127.0.0.1:1/";
  const headers = {
    "x-amz-target": "Kinesis_20131202.ListShards",
    "content-type": "application/x-amz-json-1.1",
  };
  const signer = new RequestSigner({ service: "kinesis", region: "us-east-1", clock: realClock });
  const signed = await signer.sign({ url, headers, body: signedBody }, keys);
  const handler = signedOnly(() => Promise.resolve(new Response("done")), KEYS, "us-east-1");
  return (await handler(new Request(url, { method: "POST", headers: signed, body: sentBody }))).status;
}

Deno.test("signedOnly() passes what was signed", async () => assertEquals(await statusOf("{}", "{}"), 200));

Deno.test("signedOnly() refuses a body that is not the one that was signed, and other keys", async () => {
  assertEquals(await statusOf("{}", "{]"), 400);
  assertEquals(await statusOf("{}", "{}", { accessKeyId: "chaos", secretAccessKey: "other" }), 400);
});

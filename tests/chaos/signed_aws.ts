/**
 * Refuses requests whose bytes are not those that were signed, as AWS does: the emulator takes any signature, and on a network that
 * damages requests a checkpoint could then be stored that no worker wrote.
 *
 * @module
 */

import type { Credentials } from "../../src/aws/credentials.ts";
import { RequestSigner } from "../../src/aws/request_signer.ts";
import { realClock } from "../../src/system.ts";

/** The handler behind a check of signatures with these keys. */
export function signedOnly(
  handler: (request: Request) => Promise<Response>,
  credentials: Credentials,
  region: string,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = await bodyOf(request);
    if (body === undefined) return new Response(null, { status: 400 });
    const isSigned = await hasItsSignature(request, body, credentials, region);
    if (!isSigned) {
      return Response.json({
        __type: "com.amazon.coral.service#InvalidSignatureException",
        message: "The request signature we calculated does not match the signature you provided.",
      }, { status: 400 });
    }
    return await handler(
      new Request(request.url, { method: request.method, headers: request.headers, body }),
    );
  };
}

/** Undefined when the connection broke before all of it was there. */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch {
    return undefined;
  }
}

async function hasItsSignature(
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  credentials: Credentials,
  region: string,
): Promise<boolean> {
  const given = request.headers.get("authorization") ?? "";
  const names = /SignedHeaders=([^,]+)/.exec(given)?.[1]?.split(";") ?? [];
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(given)?.[1] ?? "";
  const epochMs = instantOf(request.headers.get("x-amz-date") ?? "");
  if (Number.isNaN(epochMs)) return false;
  const signer = new RequestSigner({ service, region, clock: { ...realClock, epochMs: () => epochMs } });
  const headers = Object.fromEntries(
    names.filter((name) => name !== "host" && name !== "x-amz-date")
      .map((name) => [name, request.headers.get(name) ?? ""]),
  );
  const signed = await signer.sign({ url: request.url, headers, body }, credentials);
  return signed["authorization"] === given;
}

/** Of `20260130T235959Z`; NaN of anything else. */
function instantOf(amzDate: string): number {
  return Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

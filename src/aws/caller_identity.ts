/**
 * Whose credentials these are, as STS says. It needs no permission.
 *
 * Source: the API reference of STS, `GetCallerIdentity`.
 *
 * @module
 */

import { endpointUrl } from "./endpoint.ts";
import type { ServiceOptions } from "./signed_call.ts";
import { queryRequest, xmlCaller } from "./xml_call.ts";
import { element } from "./xml_text.ts";

/** Who calls. */
export interface CallerIdentity {
  readonly arn: string;
  /** 12 digits. */
  readonly accountId: string;
}

/**
 * Asks.
 *
 * @throws {AwsServiceError} when nothing answers or the credentials are refused; {@linkcode CredentialsError}
 * when there are none; {@linkcode TypeError} when the region or the endpoint cannot be one.
 */
export async function callerIdentity(options: ServiceOptions, signal: AbortSignal): Promise<CallerIdentity> {
  const { region, endpoint } = options;
  const call = xmlCaller({ service: "sts", attemptTimeoutMs: 5_000 }, options);
  const url = endpointUrl({ service: "sts", region, endpoint });
  return await call({
    operation: "GetCallerIdentity",
    request: queryRequest(url, "2011-06-15", "GetCallerIdentity", {}),
    read: (text) => {
      const arn = element(text, "Arn"), accountId = element(text, "Account");
      if (arn === undefined || accountId === undefined) throw new SyntaxError("expected Arn and Account");
      return { arn, accountId };
    },
    signal,
  });
}

// Pure.
/**
 * Decides in which format GetRecords is answered: CBOR where AWS's own Kinesis answers, as AWS's SDK for Java
 * asks it, and JSON anywhere else. Emulators answer with status 200 in a CBOR that is not that of AWS.
 *
 * Source: AWS SDK for Java 2, `SdkSystemSetting.CBOR_ENABLED`; AWS SDK for Java 1, `SDKGlobalConfiguration`.
 *
 * @module
 */

import type { Lookup } from "./credentials.ts";
import { isAwsHost } from "./endpoint.ts";

/** The option `wireFormat`. */
export type WireFormat = "auto" | "json" | "cbor";

/** Whether GetRecords is sent in CBOR. @param endpoint Undefined: the region's own. */
export function isReadInCbor(wireFormat: WireFormat, endpoint: string | undefined): boolean {
  switch (wireFormat) {
    case "cbor":
      return true;
    case "json":
      return false;
    case "auto":
      return endpoint === undefined || isAwsHost(endpoint);
  }
}

/**
 * The setting of AWS's SDKs that switches CBOR off; undefined if none does.
 *
 * @param systemProperty Finds a system property of Java.
 */
export function cborSwitch(env: Lookup, systemProperty: Lookup = () => undefined): string | undefined {
  if (systemProperty("aws.cborEnabled")?.trim().toLowerCase() === "false") return "aws.cborEnabled";
  if (systemProperty("com.amazonaws.sdk.disableCbor") !== undefined) return "com.amazonaws.sdk.disableCbor";
  const isDisabled = !["", "0", "false"].includes(env("AWS_CBOR_DISABLE")?.trim().toLowerCase() ?? "");
  if (isDisabled) return "AWS_CBOR_DISABLE";
  return env("CBOR_ENABLED")?.trim().toLowerCase() === "false" ? "CBOR_ENABLED" : undefined;
}

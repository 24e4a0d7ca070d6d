// Pure.
/**
 * Says why a command failed, as a sentence that names what to do where that is known.
 *
 * @module
 */

import { AwsServiceError, errorText } from "../../errors.ts";
import { missingAction } from "../../operate/look_failure.ts";

/** What went wrong in a command. Messages that are sentences already stay as they are. */
export function failureSentence(commandName: string, error: unknown): string {
  if (error instanceof Error && error.message.startsWith("Cannot ")) return error.message;
  if (!(error instanceof AwsServiceError)) return errorText(error);
  const mend = mendOf(error);
  return `Cannot run ${commandName}: ${error.message}${mend === undefined ? "" : `: ${mend}`}`;
}

function mendOf(error: AwsServiceError): string | undefined {
  const action = missingAction(error);
  if (action !== undefined) return `allow ${action}`;
  const { service, code } = error;
  if (code === "ResourceNotFoundException") {
    return `check the name of the ${service === "kinesis" ? "stream" : "table"}, the region and the account`;
  }
  if (code === "NetworkError" || code === "TimeoutError") {
    return "check the endpoint, the region and the network";
  }
  return WRONG_KEYS.has(code) ? "check the credentials, and this machine's clock" : undefined;
}

/** What services answer to keys that they do not know, or no longer. */
const WRONG_KEYS: ReadonlySet<string> = new Set([
  ...["UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch"],
  ...["ExpiredTokenException", "ExpiredToken", "InvalidClientTokenId", "IncompleteSignatureException"],
]);

/**
 * Publish of SNS, a signed call of the query protocol.
 *
 * Source: the API reference of SNS, Publish.
 *
 * @module
 */

import { endpointUrl } from "./endpoint.ts";
import type { ServiceOptions } from "./signed_call.ts";
import { queryRequest, xmlCaller } from "./xml_call.ts";
import { element } from "./xml_text.ts";

/** What is published. */
export interface Publication {
  readonly topicArn: string;
  readonly message: string;
  /** Of a FIFO topic only. */
  readonly groupId?: string | undefined;
  readonly deduplicationId?: string | undefined;
}

/**
 * Makes a function that publishes. It throws `AwsServiceError`, or the signal's reason.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function snsPublisher(
  options: ServiceOptions,
): (publication: Publication, signal?: AbortSignal) => Promise<void> {
  const { region, endpoint } = options;
  const url = endpointUrl({ service: "sns", region, endpoint });
  const call = xmlCaller({ service: "sns", attemptTimeoutMs: 10_000 }, options);
  return ({ topicArn, message, groupId, deduplicationId }, signal) =>
    call({
      operation: "Publish",
      request: queryRequest(url, "2010-03-31", "Publish", {
        TopicArn: topicArn,
        Message: message,
        MessageGroupId: groupId,
        MessageDeduplicationId: deduplicationId,
      }),
      read: (xml) => {
        if (!element(xml, "MessageId")) throw new SyntaxError("expected a MessageId: got none");
      },
      signal,
    });
}

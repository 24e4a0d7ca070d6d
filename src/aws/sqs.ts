/**
 * The operations of SQS that dead letters need, as signed JSON calls.
 *
 * Source: the API reference of SQS; its JSON protocol, `AmazonSQS`.
 *
 * @module
 */

import { fieldsOf, optionalListIn, optionalTextIn, textIn } from "./answer_fields.ts";
import { endpointUrl } from "./endpoint.ts";
import { jsonCaller, type JsonService, type ServiceOptions } from "./json_call.ts";

/** A message to send. */
export interface OutgoingMessage {
  readonly body: string;
  /** Of a FIFO queue only. */
  readonly groupId?: string | undefined;
  readonly deduplicationId?: string | undefined;
}

/** A message that was received and is hidden from others for some time. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
}

/** One queue. Every method throws `AwsServiceError`, or the signal's reason. */
export interface Queue {
  send(message: OutgoingMessage, signal?: AbortSignal): Promise<void>;
  /** At most ten messages; none when there are none within a few seconds. */
  receive(hiddenForSeconds: number, signal?: AbortSignal): Promise<readonly ReceivedMessage[]>;
  delete(receiptHandle: string, signal?: AbortSignal): Promise<void>;
  /** Shows a received message to others again at once. */
  show(receiptHandle: string, signal?: AbortSignal): Promise<void>;
}

const SERVICE: JsonService = {
  service: "sqs",
  targetPrefix: "AmazonSQS",
  contentType: "application/x-amz-json-1.0",
  // ReceiveMessage waits for some seconds, and a message may have 1 MiB.
  attemptTimeoutMs: 20_000,
};

/** How long ReceiveMessage waits for a first message, in s: then it asks all servers of the queue. */
const WAIT_SECONDS = 2;

/**
 * A queue over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedQueue(
  { accountId, queueName }: { readonly accountId: string; readonly queueName: string },
  options: ServiceOptions,
): Queue {
  const { region, endpoint } = options;
  const call = jsonCaller(SERVICE, options);
  const QueueUrl = `${endpointUrl({ service: "sqs", region, endpoint })}${accountId}/${queueName}`;
  return {
    send: ({ body, groupId, deduplicationId }, signal) =>
      call({
        operation: "SendMessage",
        input: {
          QueueUrl,
          MessageBody: body,
          ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
          ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
        },
        // An answer without an id may be anything: the message is sent again.
        decode: (answer) => void textIn(answer, "MessageId"),
        signal,
      }),
    receive: (hiddenForSeconds, signal) =>
      call({
        operation: "ReceiveMessage",
        input: {
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: hiddenForSeconds,
          WaitTimeSeconds: WAIT_SECONDS,
        },
        decode: (answer) =>
          optionalListIn(answer, "Messages").map((value) => {
            const message = fieldsOf(value, "a message");
            return {
              messageId: textIn(message, "MessageId"),
              receiptHandle: textIn(message, "ReceiptHandle"),
              body: optionalTextIn(message, "Body") ?? "",
            };
          }),
        signal,
      }),
    delete: (ReceiptHandle, signal) =>
      call({ operation: "DeleteMessage", input: { QueueUrl, ReceiptHandle }, decode: () => {}, signal }),
    show: (ReceiptHandle, signal) =>
      call({
        operation: "ChangeMessageVisibility",
        input: { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 },
        decode: () => {},
        signal,
      }),
  };
}

/**
 * What the sinks on AWS have in common: their options, the document, and errors that say what to do.
 *
 * @module
 */

import { unlessAborted } from "../../async/waiting.ts";
import type { GivenCredentials } from "../../aws/credentials.ts";
import { parseArn, type ResourceArn } from "../../aws/resource_arn.ts";
import type { ServiceOptions } from "../../aws/signed_call.ts";
import { AwsServiceError, isNotPermitted } from "../../errors.ts";
import type { DeadLetter, DeadLetterSink, SinkConnection, SinkService } from "../dead_letter.ts";
import { DEFAULT_DOCUMENT_BYTES, documentText, LEAST_DOCUMENT_BYTES } from "./document.ts";

/** Options of every sink. */
export interface SinkOptions {
  /**
   * The most bytes of a stored document, in UTF-8. Records that do not fit are left out; the document then
   * says where they are in the stream. At least 32,768.
   *
   * @default what the place takes without a special set-up
   */
  readonly maxBytes?: number | undefined;
  /**
   * Whether documents hold the records themselves. Without them a letter is of no use after the stream's
   * retention. Turn it off where the place may not hold what the stream holds.
   *
   * @default {true}
   */
  readonly withRecords?: boolean | undefined;
  /** What `requestContext.functionArn` says. @default `kclite:<application>` */
  readonly functionArn?: string | undefined;
}

/** Options of the sinks on AWS. */
export interface SignedSinkOptions extends SinkOptions {
  /** Of the place. @default that of the ARN, else the worker's */
  readonly region?: string | undefined;
  /** Base URL of an emulator or of a private endpoint. @default what the worker's settings say */
  readonly endpoint?: string | undefined;
  /** What the calls are signed with. @default the worker's */
  readonly credentials?: GivenCredentials | undefined;
}

/** One kind of place. */
export interface SinkKind {
  readonly service: SinkService;
  /** What the place is, with an example, for messages. */
  readonly thing: string;
  /** What IAM must allow to write there. */
  readonly permission: string;
  /** What IAM must allow besides, where the place is encrypted with a key of one's own. */
  readonly keyPermission: string;
  /** The most bytes of a document, if the options do not say otherwise, and at all. */
  readonly defaultBytes?: number;
  readonly mostBytes: number;
  /** How the records stand in the document. @default {"list"} */
  readonly records?: "list" | "payload";
}

/** Stores one document. */
export type StoreDocument = (letter: DeadLetter, text: string, signal: AbortSignal) => Promise<void>;

/** Takes a sink's ARN apart. @throws {TypeError} when it is none of this kind. */
export function placeOf(arn: string, kind: SinkKind, resource: RegExp, example: string): ResourceArn {
  const found = parseArn(arn);
  if (found?.service === kind.service && resource.test(found.resource)) return found;
  throw new TypeError(`Cannot use ${JSON.stringify(arn)}: expected the ARN of ${kind.thing}: ${example}`);
}

/**
 * Makes a sink that stores each letter with one signed call.
 *
 * @param connect Makes the client; called once for a worker.
 * @throws {RangeError} when `maxBytes` cannot be met.
 */
export function signedSink(
  arn: ResourceArn & { readonly text: string },
  kind: SinkKind,
  options: SignedSinkOptions,
  connect: (service: ServiceOptions) => StoreDocument,
): DeadLetterSink {
  const name = arn.text;
  const maxBytes = checkedBytes(options.maxBytes, kind, name);
  let client: { readonly connection: SinkConnection; readonly store: StoreDocument } | undefined;
  return {
    name,
    async store(letter, connection, signal) {
      if (client?.connection !== connection) {
        client = { connection, store: connect(serviceOptions(arn, kind, options, connection)) };
      }
      const { store } = client;
      const keys = await unlessAborted(connection.credentials(signal), signal);
      const text = documentText(letter, {
        region: connection.region,
        maxBytes,
        functionArn: options.functionArn,
        records: options.withRecords === false ? "none" : kind.records,
        secrets: [keys.secretAccessKey, keys.sessionToken],
      });
      try {
        await store(letter, text, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw new Error(`Cannot store a dead letter in ${name}: ${adviceOf(error, kind, maxBytes)}`, {
          cause: error,
        });
      }
    },
  };
}

function serviceOptions(
  { text, region: ofArn }: ResourceArn & { readonly text: string },
  { service }: SinkKind,
  options: SignedSinkOptions,
  connection: SinkConnection,
): ServiceOptions {
  const region = options.region ?? (ofArn || connection.region);
  if (region === undefined) {
    throw new TypeError(`Cannot store a dead letter in ${text}: expected a region: set the option region`);
  }
  return {
    region,
    endpoint: options.endpoint ?? connection.endpointOf?.(service, region),
    credentials: options.credentials ?? connection.credentials,
    system: connection.system,
  };
}

/** The limit of a sink's documents, in bytes. @throws {RangeError} */
export function checkedBytes(
  maxBytes: number | undefined,
  { defaultBytes = DEFAULT_DOCUMENT_BYTES, mostBytes }: Pick<SinkKind, "defaultBytes" | "mostBytes">,
  name: string,
): number {
  const bytes = maxBytes ?? defaultBytes;
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_DOCUMENT_BYTES && bytes <= mostBytes) return bytes;
  throw new RangeError(
    `Cannot use ${name} for dead letters: maxBytes must be from ${LEAST_DOCUMENT_BYTES} to ${mostBytes}: got ${bytes}`,
  );
}

/** What is wrong, and how to mend it. The cause has the service's own words. */
function adviceOf(error: unknown, { thing, permission, keyPermission }: SinkKind, maxBytes: number): string {
  if (isNotPermitted(error)) {
    return "the runtime does not permit the request: allow it, e.g. with --allow-net";
  }
  if (error instanceof TypeError) return error.message; // our own refusal: fetch's are an AwsServiceError
  if (!(error instanceof AwsServiceError)) return "the call failed";
  const { code, status, detail, retryable } = error;
  if (/kms/i.test(code)) return `its key cannot be used: allow ${keyPermission} on the key`;
  if (/AccessDenied|AuthorizationError|^Forbidden$|NotAuthorized/i.test(code) || status === 403) {
    return `access is denied: allow ${permission} on it, and ${keyPermission} on its key if it has one`;
  }
  if (MISSING.test(code)) return `it does not exist: expected ${thing}: create it, or correct the ARN`;
  if (/must be shorter|too large|too long|size|exceed/i.test(detail) && !retryable) {
    return `it refuses documents of up to ${maxBytes} bytes: raise its limit, or set maxBytes lower`;
  }
  return retryable ? "the service does not answer as it should: it will be tried again" : "it was refused";
}

/** The codes of SQS, SNS, S3, Kinesis and DynamoDB for what is not there. */
const MISSING =
  /^(?:QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|NotFound|NoSuchBucket|ResourceNotFoundException)$/;

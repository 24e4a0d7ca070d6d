/**
 * The account that a world's streams are in, and what they are called there.
 *
 * @module
 */

import { streamArnOf } from "../../aws/endpoint.ts";
import { identifierText } from "../../stream/stream_identifier.ts";
import { WORLD_EPOCH_MS } from "./simulated_stream.ts";

const ACCOUNT_ID = "123456789012", REGION = "us-east-1";

/** When the streams of a world were created, in seconds since 1970. */
export const CREATION_EPOCH_S: number = Math.floor(WORLD_EPOCH_MS / 1000);

/** The ARN of a world's stream. */
export function simulatedArn(streamName: string): string {
  return streamArnOf({ region: REGION, accountId: ACCOUNT_ID, streamName });
}

/** The identifier of one of many streams of a world. */
export function simulatedIdentifier(streamName: string): string {
  return identifierText({ accountId: ACCOUNT_ID, streamName, creationEpochS: CREATION_EPOCH_S });
}

// Pure.
/**
 * Names a stream among many, for ever. A stream that was deleted and created again under its old name is
 * another stream, and its shards start from id 0 again.
 *
 * Source: KCL 3.5.1, `StreamIdentifier`.
 *
 * @module
 */

/** The parts of `account:stream:epoch`. */
export interface StreamIdentifier {
  /** Digits; 12 of them on AWS. */
  readonly accountId: string;
  readonly streamName: string;
  /**
   * When the stream was created, in whole seconds since 1970. KCL itself requires only a positive integer.
   */
  readonly creationEpochS: number;
}

/** The account of streams that have none: emulators give no ARN, and samples use this one. */
export const NO_ACCOUNT_ID = "000000000000";

/** The name is one of Kinesis, or of a table as `table_stream_name.ts` has it. */
const IDENTIFIER = /^(\d+):([\w.-]{1,128}|[\w.-]+(?:\$[\w.-]+){3}):(\d{1,15})$/;
const ORIGIN = /^([\w.-]{1,128}|[\w.-]+(?:\$[\w.-]+){3}):(\d{1,15})$/;

/** As written in a lease table of many streams. */
export function identifierText({ accountId, streamName, creationEpochS }: StreamIdentifier): string {
  return `${accountId}:${streamName}:${creationEpochS}`;
}

/** Takes an identifier apart; undefined when the text is none. */
export function parseIdentifier(text: string): StreamIdentifier | undefined {
  const [, accountId, streamName, epoch] = IDENTIFIER.exec(text) ?? [];
  if (accountId === undefined || streamName === undefined || epoch === undefined) return undefined;
  const creationEpochS = Number(epoch);
  // Written back it must be the same text: it is the beginning of lease keys.
  if (creationEpochS <= 0 || `${creationEpochS}` !== epoch) return undefined;
  return { accountId, streamName, creationEpochS };
}

/**
 * A stream and its creation time, as a lease bears them, also if its key does not name a stream. Without the
 * account, which emulators do not report.
 */
export interface StreamOrigin {
  readonly streamName: string;
  /** In whole seconds since 1970. */
  readonly creationEpochS: number;
}

/** As written in a lease. */
export function originText({ streamName, creationEpochS }: StreamOrigin): string {
  return `${streamName}:${creationEpochS}`;
}

/** The origin that a lease bears; undefined when it bears none, or an unreadable one. */
export function parseOrigin(text: string | undefined): StreamOrigin | undefined {
  const [, streamName, epoch] = ORIGIN.exec(text ?? "") ?? [];
  return streamName === undefined || epoch === undefined
    ? undefined
    : { streamName, creationEpochS: Number(epoch) };
}

/** Whether two streams have had the same name at different times: one of them is no longer there. */
export function areIncarnations(a: StreamIdentifier, b: StreamIdentifier): boolean {
  return a.accountId === b.accountId && a.streamName === b.streamName &&
    a.creationEpochS !== b.creationEpochS;
}

// Pure.
/**
 * What a stream of a DynamoDB table says of one change of an item.
 *
 * Source: the API reference of DynamoDB Streams, `Record` and `StreamRecord`.
 *
 * @module
 */

/** A DynamoDB attribute value in wire form. Bytes (`B`) are base64 text here. */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };

/** An item of a table. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** Which images of an item a stream keeps. */
export type StreamViewType = "KEYS_ONLY" | "NEW_IMAGE" | "OLD_IMAGE" | "NEW_AND_OLD_IMAGES";

/** What every change says. */
export interface ChangeFields {
  /** Unique among the changes of a stream. Undefined where the service gives none. */
  readonly eventId: string | undefined;
  /** The key of the item. */
  readonly keys: Item;
  /** The record's sequence number. */
  readonly sequenceNumber: string;
  /** The size of the keys and images, in bytes. Undefined where the service does not say. */
  readonly sizeBytes: number | undefined;
  /** Which images the stream keeps. Undefined where the service does not say. */
  readonly streamViewType: StreamViewType | undefined;
  /** When the item was changed, to the second. */
  readonly approximateCreation: Date;
  /** Who changed it, if it was no user: for a deletion by the time to live, DynamoDB itself. */
  readonly userIdentity: { readonly principalId: string; readonly type: string } | undefined;
  /** Whether the item was deleted because its time to live was over. */
  readonly isExpiry: boolean;
}

/**
 * One change of an item. An image is undefined where the stream does not keep it: see `streamViewType`.
 */
export type Change =
  & ChangeFields
  & (
    | { readonly type: "INSERT"; readonly newImage: Item | undefined; readonly oldImage: undefined }
    | { readonly type: "MODIFY"; readonly newImage: Item | undefined; readonly oldImage: Item | undefined }
    | { readonly type: "REMOVE"; readonly newImage: undefined; readonly oldImage: Item | undefined }
  );

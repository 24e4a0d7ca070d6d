/**
 * The streams of DynamoDB's tables. A worker needs none of this: it reads such a stream when its `streamArn`
 * is that of one. Here is what a processor may want.
 *
 * ```ts
 * import { eachRecord, type RecordProcessorFactory } from "@kclite/kclite";
 * import { unmarshall } from "@kclite/kclite/dynamodb-streams";
 *
 * export const onChange: RecordProcessorFactory = eachRecord(({ change }) => {
 *   if (change?.type !== "MODIFY" || change.newImage === undefined) return;
 *   const { id, status } = unmarshall(change.newImage);
 *   console.log(id, "is now", status);
 * });
 * ```
 *
 * See docs/dynamodb-streams.md.
 *
 * @module
 */

export type { AttributeValue, Change, ChangeFields, Item, StreamViewType } from "../stream/change.ts";
export { type Plain, unmarshall, type UnmarshallOptions } from "./unmarshall.ts";
export { tableStreams, type TableStreamsOptions } from "./slice_source.ts";

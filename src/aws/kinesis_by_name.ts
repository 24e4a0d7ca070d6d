/**
 * One interface of Kinesis before two services: streams of Kinesis, and those of DynamoDB's tables. The name
 * of a stream says which one it is. What reads the latter is loaded at the first call that needs it.
 *
 * @module
 */

import { isTableStreamName } from "../stream/table_stream_name.ts";
import type { Kinesis, StreamReference } from "./kinesis.ts";

/** @param load Called once at most, except if it fails. */
export function kinesisByName(kinesis: Kinesis, load: () => Promise<Kinesis>): Kinesis {
  let loaded: Promise<Kinesis> | undefined;
  const of = ({ streamName }: StreamReference): Promise<Kinesis> => {
    if (!isTableStreamName(streamName)) return Promise.resolve(kinesis);
    loaded ??= load().catch((error) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  return {
    describeStreamSummary: (stream, signal) =>
      of(stream).then((one) => one.describeStreamSummary(stream, signal)),
    listShards: (stream, filter, signal) => of(stream).then((one) => one.listShards(stream, filter, signal)),
    getShardIterator: (stream, shardId, position, signal) =>
      of(stream).then((one) => one.getShardIterator(stream, shardId, position, signal)),
    getRecords: (stream, iterator, limit, signal) =>
      of(stream).then((one) => one.getRecords(stream, iterator, limit, signal)),
  };
}

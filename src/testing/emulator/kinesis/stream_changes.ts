/**
 * The settings of a stream as a whole, besides its shards and its retention: the size of its records, its
 * encryption, its mode, its metrics. Also the limits of an account.
 *
 * Nothing is encrypted or measured: the settings are only reported.
 *
 * @module
 */

import { ApiError, constraintError } from "../api_error.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { activeStreamOf, streamOf } from "./lookup.ts";
import type { EmulatedStream, EmulatedStreams } from "./emulated_streams.ts";

/** Source: "Quotas and limits" of the Kinesis documentation, for an account that has asked for no others. */
const SHARD_LIMIT = 20_000, ON_DEMAND_LIMIT = 50;
/** Kinesis API reference, CreateStream and UpdateMaxRecordSize. */
const MIN_RECORD_KIB = 1024, MAX_RECORD_KIB = 10_240;

const SHARD_METRICS: readonly string[] = [
  "IncomingBytes",
  "IncomingRecords",
  "OutgoingBytes",
  "OutgoingRecords",
  "WriteProvisionedThroughputExceeded",
  "ReadProvisionedThroughputExceeded",
  "IteratorAgeMilliseconds",
];

/** The operations, over some streams. */
export function settingOperations(streams: EmulatedStreams): Operations {
  const changed = (input: Input, change: (stream: EmulatedStream) => void): void => {
    const stream = activeStreamOf(streams, input);
    change(stream);
    stream.life.change("UPDATING");
  };

  const measured = (
    input: Input,
    desired: (given: readonly string[], now: readonly string[]) => string[],
  ) => {
    const stream = streamOf(streams, input);
    const current = stream.shardLevelMetrics;
    stream.shardLevelMetrics = desired(metricsIn(input), current);
    return {
      StreamName: stream.name,
      StreamARN: stream.arn,
      CurrentShardLevelMetrics: current,
      DesiredShardLevelMetrics: stream.shardLevelMetrics,
    };
  };

  return {
    DescribeLimits() {
      const all = streams.all();
      return {
        ShardLimit: SHARD_LIMIT,
        OpenShardCount: all.filter(({ mode }) => mode === "PROVISIONED")
          .reduce((sum, { model }) => sum + model.open.length, 0),
        OnDemandStreamCount: all.filter(({ mode }) => mode === "ON_DEMAND").length,
        OnDemandStreamCountLimit: ON_DEMAND_LIMIT,
      };
    },

    UpdateMaxRecordSize({ input }) {
      input.requiredText("StreamARN");
      const bytes = maxRecordBytesIn(input);
      if (bytes === undefined) {
        throw constraintError(undefined, "maxRecordSizeInKiB", "Member must not be null");
      }
      changed(input, (stream) => void (stream.maxRecordBytes = bytes));
    },

    StartStreamEncryption({ input }) {
      const keyId = keyIn(input);
      changed(input, (stream) => void (stream.encryptionKeyId = keyId));
    },

    StopStreamEncryption({ input }) {
      keyIn(input);
      changed(input, (stream) => void (stream.encryptionKeyId = undefined));
    },

    UpdateStreamMode({ input }) {
      input.requiredText("StreamARN");
      const mode = input.requiredMap("StreamModeDetails").requiredText("StreamMode");
      if (mode !== "PROVISIONED" && mode !== "ON_DEMAND") {
        throw constraintError(
          mode,
          "streamModeDetails.streamMode",
          "Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]",
        );
      }
      changed(input, (stream) => void (stream.mode = mode));
    },

    EnableEnhancedMonitoring: ({ input }) =>
      measured(
        input,
        (given, now) => SHARD_METRICS.filter((name) => given.includes(name) || now.includes(name)),
      ),
    DisableEnhancedMonitoring: ({ input }) =>
      measured(input, (given, now) => now.filter((name) => !given.includes(name))),
  };
}

/** The member `MaxRecordSizeInKiB` in bytes. @throws {ApiError}. */
export function maxRecordBytesIn(input: Input): number | undefined {
  const kib = input.integer("MaxRecordSizeInKiB", MIN_RECORD_KIB, MAX_RECORD_KIB);
  return kib === undefined ? undefined : kib * 1024;
}

/** The key of KMS that encryption is started or stopped with. */
function keyIn(input: Input): string {
  const type = input.requiredText("EncryptionType");
  const keyId = input.requiredText("KeyId");
  if (type !== "KMS" && type !== "NONE") {
    throw constraintError(type, "encryptionType", "Member must satisfy enum value set: [KMS, NONE]");
  }
  if (type === "NONE") {
    throw new ApiError("InvalidArgumentException", "EncryptionType must be KMS: NONE is no encryption.");
  }
  if (keyId.length < 1 || keyId.length > 2048) {
    throw constraintError(keyId, "keyId", "Member must have length between 1 and 2048");
  }
  return keyId;
}

function metricsIn(input: Input): readonly string[] {
  const names = input.texts("ShardLevelMetrics");
  if (names.length < 1 || names.length > SHARD_METRICS.length) {
    throw constraintError(
      names,
      "shardLevelMetrics",
      `Member must have length between 1 and ${SHARD_METRICS.length}`,
    );
  }
  const unknown = names.find((name) => name !== "ALL" && !SHARD_METRICS.includes(name));
  if (unknown !== undefined) {
    throw constraintError(
      unknown,
      "shardLevelMetrics",
      `Member must satisfy enum value set: [${[...SHARD_METRICS, "ALL"].join(", ")}]`,
    );
  }
  return names.includes("ALL") ? SHARD_METRICS : names;
}

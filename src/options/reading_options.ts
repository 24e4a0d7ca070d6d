/**
 * How a worker reads: the part of its options that retrieval uses.
 *
 * @module
 */

import type { IdlePacing } from "../retrieval/pacing.ts";
import type { OnTrimmedCheckpoint } from "../retrieval/start_position.ts";

/** Options of reading. */
export interface ReadingOptions {
  /**
   * What to do with a shard whose checkpoint is no longer in the stream. Either it was not read for longer
   * than the stream keeps records, or the stream was deleted and created again. Records may be lost, and an
   * event says so in any case. `"trim-horizon"`: read on from the oldest record, as KCL does without
   * noticing. `"latest"`: read on from the newest, which skips all records that are there. `"stop"`: the
   * shard is not read, and reports that repeatedly, until its lease is reset. A checkpoint made by hand at a
   * number that no record has counts as trimmed too.
   *
   * @default {"trim-horizon"}
   */
  onTrimmedCheckpoint?: OnTrimmedCheckpoint | undefined;
  /**
   * The most records of one GetRecords call, at most 10000. KCL: `maxRecords`. A record may be an aggregate
   * of the KPL. A processor gets at most 10000 of its user records at a time, and fewer if `maxBufferedBytes`
   * leaves no room. Adaptive pacing asks for fewer where those of the last call were large: some 3.5 MiB.
   *
   * @default {10000}
   */
  maxRecords?: number | undefined;
  /**
   * How long a shard rests between two GetRecords calls. `"adaptive"`: no rest while it is behind, within
   * five calls and 2 MiB a second. At the tip it rests for `idleTimeBetweenReadsMs`, and a tenth longer with
   * each call that finds nothing, up to `maxIdleTimeBetweenReadsMs`, until the next record. `"fixed"`: always
   * for `idleTimeBetweenReadsMs`, as KCL does, which has no such setting. With adaptive pacing the first
   * record after a long silence is seen later. With fixed pacing a shard that is far behind catches up by one
   * page for each rest. Only when polling.
   *
   * @default {"adaptive"}
   */
  idlePacing?: IdlePacing | undefined;
  /**
   * The time between the starts of two GetRecords calls of one shard, in ms. Adaptive pacing uses it at the
   * tip, fixed pacing everywhere. Less than 200 is refused, since Kinesis allows five calls a second. KCL:
   * `idleTimeBetweenReadsInMillis` (there: 1500). Longer costs latency; shorter leaves less for other
   * applications on the same shard.
   *
   * @default {1000}
   */
  idleTimeBetweenReadsMs?: number | undefined;
  /**
   * The longest rest at the tip of a quiet shard with adaptive pacing, in ms. From `idleTimeBetweenReadsMs`,
   * which switches the slowing down off, to 30000. KCL has no such setting. Longer saves calls on quiet
   * streams, but the first record after a silence may be seen this much later.
   *
   * @default four times `idleTimeBetweenReadsMs`, but at most 10000, or `idleTimeBetweenReadsMs` where that
   * is longer
   */
  maxIdleTimeBetweenReadsMs?: number | undefined;
  /**
   * How many GetRecords calls a second one shard gets while it is behind. Kinesis allows five, for all
   * applications that poll the shard together.
   *
   * @default {5}
   */
  maxReadsPerSecond?: number | undefined;
  /**
   * How many payload bytes a second are read of one shard while it is behind. Kinesis allows 2 MiB, for all
   * applications that poll the shard together.
   *
   * @default {2097152}
   */
  maxReadBytesPerSecond?: number | undefined;
  /**
   * How much memory the pages of all shards together may take that are read ahead of their processors, in
   * bytes, when polling. Counted is what records keep in memory: their payloads, and some 310 bytes each.
   * Besides this limit, each shard has its own: at most 4 pages, 30,000 records or 8 MiB of payload waiting.
   * KCL: `maxPendingProcessRecordsInput` and its relatives; KCL has no bound for the worker. One page of a
   * shard passes in any case, and may be 10 MiB large. 0 reads nothing ahead. Too much for the machine's
   * memory ends the program. The user records made from aggregates count too, with some 250 bytes for each of
   * a batch, and so do pages of enhanced fan-out.
   *
   * @default {67108864}
   */
  maxBufferedBytes?: number | undefined;
  /**
   * How shards are read. `"POLLING"`: by GetRecords, which costs nothing extra and shares each shard's 2 MiB
   * a second with all other applications that poll it. `"FANOUT"`: by enhanced fan-out, which pushes within
   * some 70 ms and gives this application its own 2 MiB a second. KCL: `retrievalMode` (there fan-out is the
   * default). Fan-out registers a consumer. AWS charges for it by the hour for each shard, and by the
   * gigabyte, until it is deregistered.
   *
   * @default {"POLLING"}
   */
  retrievalMode?: "POLLING" | "FANOUT" | undefined;
  /**
   * Name of the registered consumer of enhanced fan-out, 1 to 128 letters, digits, `_`, `.` and `-`; it is
   * registered when the first shard is read. KCL: `fanoutConfig.consumerName`. Two applications with one name
   * take each other's subscriptions away.
   *
   * @default the application name
   */
  consumerName?: string | undefined;
  /**
   * ARN of a consumer that is registered already; wins over `consumerName`. kclite never registers or
   * deregisters it. KCL: `fanoutConfig.consumerArn`. A consumer of another stream, account or region is
   * refused at the start.
   *
   * @default none
   */
  consumerArn?: string | undefined;
  /**
   * Whether a worker that stops deregisters the consumer, which ends its cost; for a worker that is alone.
   * KCL never does it. The other workers of the application then lose their subscriptions. They continue some
   * seconds later, once they have registered the consumer again.
   *
   * @default {false}
   */
  deregisterConsumerOnStop?: boolean | undefined;
  /**
   * How GetRecords answers. `"cbor"`: a quarter fewer bytes and about half the CPU time, as AWS's SDK for
   * Java reads. `"json"`: what the API reference documents. `"auto"`: CBOR from AWS's own hosts, and JSON
   * from any other `kinesisEndpoint`, since emulators answer in another CBOR. Where CBOR is refused, or an
   * answer cannot be read, the worker reads in JSON from then on, with one warning. KCL: the system property
   * `aws.cborEnabled`. The command line reads it, and so it does with `AWS_CBOR_DISABLE` and `CBOR_ENABLED`;
   * in a program, `endpointsFromEnvironment()` of `/credentials` reads these two. CBOR is not in the API
   * reference: AWS may change it.
   *
   * @default {"auto"}
   */
  wireFormat?: "auto" | "json" | "cbor" | undefined;
}

package kclite.interop;

import java.nio.charset.StandardCharsets;
import software.amazon.kinesis.common.StreamIdentifier;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.ShardRecordProcessorFactory;

/** Tells of each record, then checkpoints its batch; tells of each callback. */
final class NotingProcessor implements ShardRecordProcessor {
    private final String worker;
    /** Before the shard's id, which other streams have too; empty where there is one stream. */
    private final String prefix;
    private String shardId;

    private NotingProcessor(String worker, String prefix) {
        this.worker = worker;
        this.prefix = prefix;
    }

    /** Tells shards of many streams apart: {@code stream/shardId}. */
    record Factory(String worker) implements ShardRecordProcessorFactory {
        @Override
        public ShardRecordProcessor shardRecordProcessor() {
            return new NotingProcessor(worker, "");
        }

        @Override
        public ShardRecordProcessor shardRecordProcessor(StreamIdentifier stream) {
            boolean isOneOfMany = stream.streamCreationEpochOptional().isPresent();
            return new NotingProcessor(worker, isOneOfMany ? stream.streamName() + "/" : "");
        }
    }

    @Override
    public void initialize(InitializationInput input) {
        shardId = prefix + input.shardId();
        Told.tell(worker, "initialize", shardId, input.extendedSequenceNumber().sequenceNumber());
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
        if (input.records().isEmpty()) return;
        input.records().forEach(record ->
                Told.tell(worker, "record", shardId, StandardCharsets.UTF_8.decode(record.data()).toString()));
        checkpoint(input.checkpointer());
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
        Told.tell(worker, "leaseLost", shardId, null);
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
        Told.tell(worker, "shardEnded", shardId, null);
        checkpoint(input.checkpointer());
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
        Told.tell(worker, "shutdownRequested", shardId, null);
        checkpoint(input.checkpointer());
    }

    private void checkpoint(RecordProcessorCheckpointer checkpointer) {
        try {
            checkpointer.checkpoint();
        } catch (Exception e) {
            Told.tell(worker, "checkpointFailed", shardId, e.toString());
        }
    }
}

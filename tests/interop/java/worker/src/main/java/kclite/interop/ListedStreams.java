package kclite.interop;

import java.util.List;
import java.util.stream.Stream;
import software.amazon.awssdk.arns.Arn;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.StreamConfig;
import software.amazon.kinesis.common.StreamIdentifier;
import software.amazon.kinesis.processor.FormerStreamsLeasesDeletionStrategy;
import software.amazon.kinesis.processor.MultiStreamTracker;

/** Streams, given by name; account and creation time are those that the service tells, in whole seconds. Tells when it is asked. */
final class ListedStreams implements MultiStreamTracker {
    private final String worker;
    private final List<StreamConfig> streams;

    ListedStreams(String worker, KinesisAsyncClient kinesis, String[] names, InitialPositionInStreamExtended start) {
        this.worker = worker;
        // KCL reads a stream from LATEST unless the stream's own config says otherwise.
        streams = Stream.of(names).map(name -> new StreamConfig(identifierOf(kinesis, name), start)).toList();
    }

    @Override
    public List<StreamConfig> streamConfigList() {
        Told.tell(worker, "streamsListed", null, null);
        return streams;
    }

    @Override
    public FormerStreamsLeasesDeletionStrategy formerStreamsLeasesDeletionStrategy() {
        return new FormerStreamsLeasesDeletionStrategy.NoLeaseDeletionStrategy();
    }

    private static StreamIdentifier identifierOf(KinesisAsyncClient kinesis, String name) {
        var summary = kinesis.describeStreamSummary(request -> request.streamName(name))
                .join()
                .streamDescriptionSummary();
        Arn arn = Arn.fromString(summary.streamARN());
        long epoch = summary.streamCreationTimestamp().getEpochSecond();
        // KCL has two ways. By text, it makes the ARN itself.
        return name.endsWith("-a")
                ? StreamIdentifier.multiStreamInstance(arn, epoch)
                : StreamIdentifier.multiStreamInstance(arn.accountId().orElseThrow() + ":" + name + ":" + epoch);
    }
}

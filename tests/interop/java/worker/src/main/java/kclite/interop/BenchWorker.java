package kclite.interop;

import java.net.URI;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A worker of the Java KCL that is measured: all settings are its defaults, but that it polls over HTTP/1.1, and sends no metrics. Arguments,
 * {@code name=value}: {@code endpoint}, {@code stream}, {@code application}, {@code workerId}; {@code quick=true} starts within seconds and
 * reads without a pause; {@code told=true} prints the shard's id for each batch of records, and checkpoints it. SIGTERM is the orderly stop.
 */
public final class BenchWorker {
    private BenchWorker() {}

    public static void main(String[] args) {
        Map<String, String> settings =
                Stream.of(args).map(arg -> arg.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        URI endpoint = URI.create(settings.get("endpoint"));
        String stream = settings.get("stream");
        var keys = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
        Region region = Region.US_EAST_1;
        KinesisAsyncClient kinesis = KinesisAsyncClient.builder()
                .endpointOverride(endpoint)
                .region(region)
                .credentialsProvider(keys)
                .httpClientBuilder(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1))
                .build();
        DynamoDbAsyncClient dynamodb = DynamoDbAsyncClient.builder()
                .endpointOverride(endpoint)
                .region(region)
                .credentialsProvider(keys)
                .build();
        CloudWatchAsyncClient cloudwatch =
                CloudWatchAsyncClient.builder().region(region).credentialsProvider(keys).build();
        boolean isTold = Boolean.parseBoolean(settings.get("told"));
        ConfigsBuilder configs = new ConfigsBuilder(
                stream, settings.get("application"), kinesis, dynamodb, cloudwatch, settings.get("workerId"),
                () -> new Processor(isTold));
        var start = InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON);
        var leases = configs.leaseManagementConfig().initialPositionInStream(start);
        var polling = new PollingConfig(stream, kinesis);
        if (Boolean.parseBoolean(settings.get("quick"))) {
            leases.leaseAssignmentIntervalMillis(1000L)
                    .dynamoDbLockBasedLeaderLeaseDurationInMillis(8000L)
                    .dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(1500L)
                    .shardSyncIntervalMillis(1000);
            polling.idleTimeBetweenReadsInMillis(0);
        }
        var retrieval = configs.retrievalConfig().initialPositionInStreamExtended(start).retrievalSpecificConfig(polling);
        Scheduler scheduler = new Scheduler(
                configs.checkpointConfig(), configs.coordinatorConfig(), leases, configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()), configs.processorConfig(), retrieval);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                scheduler.startGracefulShutdown().get(20, TimeUnit.SECONDS);
            } catch (Exception e) {
                System.err.println("stop failed: " + e);
            }
        }));
        scheduler.run();
        System.exit(0);
    }

    /** Does nothing, or prints where records came from and checkpoints them. */
    private static final class Processor implements ShardRecordProcessor {
        private final boolean isTold;
        private String shardId;
        /** So that the looking at a record cannot be left out. */
        private long touched;

        Processor(boolean isTold) {
            this.isTold = isTold;
        }

        @Override
        public void initialize(InitializationInput input) {
            shardId = input.shardId();
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            input.records().forEach(record -> touched += record.data().get(0));
            if (!isTold || input.records().isEmpty()) return;
            synchronized (Processor.class) {
                System.out.println(shardId);
                System.out.flush();
            }
            checkpoint(input.checkpointer());
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            if (isTold) checkpoint(input.checkpointer());
        }

        private void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (Exception e) {
                System.err.println("checkpoint failed on " + shardId + ": " + e);
            }
        }
    }
}

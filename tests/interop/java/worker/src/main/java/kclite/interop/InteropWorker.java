package kclite.interop;

import java.net.URI;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
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
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of the Java KCL. Takes its settings as arguments, {@code name=value}, where {@code stream} names the one stream,
 * or {@code streams} many, with commas, and {@code cloudwatch} where metrics are sent to; prints what happens to its shards as
 * lines of JSON ({@link Told}); SIGTERM is the orderly stop.
 */
public final class InteropWorker {
    private final Map<String, String> settings = new TreeMap<>();

    private InteropWorker(String[] args) {
        for (String arg : args) {
            int at = arg.indexOf('=');
            settings.put(arg.substring(0, at), arg.substring(at + 1));
        }
    }

    public static void main(String[] args) {
        new InteropWorker(args).run();
    }

    private void run() {
        KinesisAsyncClient kinesis = KinesisAsyncClient.builder()
                .endpointOverride(URI.create(text("kinesis")))
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials())
                // The KCL's own choice is HTTP/2, which the emulator speaks over TLS only.
                .httpClientBuilder(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1))
                .build();
        DynamoDbAsyncClient dynamodb = DynamoDbAsyncClient.builder()
                .endpointOverride(URI.create(text("dynamodb")))
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials())
                .build();
        var cloudwatchBuilder = CloudWatchAsyncClient.builder()
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials());
        boolean hasMetrics = settings.containsKey("cloudwatch");
        if (hasMetrics) cloudwatchBuilder.endpointOverride(URI.create(text("cloudwatch")));
        CloudWatchAsyncClient cloudwatch = cloudwatchBuilder.build();
        String worker = text("workerId");
        var start = InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.valueOf(text("start")));
        boolean isMany = settings.containsKey("streams");
        var processors = new NotingProcessor.Factory(worker);
        ConfigsBuilder configs = isMany
                ? new ConfigsBuilder(
                        new ListedStreams(worker, kinesis, text("streams").split(","), start),
                        text("application"), kinesis, dynamodb, cloudwatch, worker, processors)
                : new ConfigsBuilder(
                        text("stream"), text("application"), kinesis, dynamodb, cloudwatch, worker, processors);

        var leases = configs.leaseManagementConfig()
                .failoverTimeMillis(number("failoverTimeMs"))
                .leaseAssignmentIntervalMillis(number("leaseAssignmentIntervalMs"))
                .dynamoDbLockBasedLeaderLeaseDurationInMillis(number("leaderLeaseMs"))
                .dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(number("leaderHeartbeatMs"))
                // Its first use is a pause after the first leases are made: a minute by default.
                .shardSyncIntervalMillis(1000)
                .initialPositionInStream(start);
        assignBy(leases, text("strategy"));
        // The time of a pass of PeriodicShardSyncManager: two minutes by default.
        if (hasMetrics) leases.leasesRecoveryAuditorExecutionFrequencyMillis(2000);
        leases.workerUtilizationAwareAssignmentConfig().disableWorkerMetrics(true);
        var retrieval = configs.retrievalConfig();
        // Of many streams each has its own position, and the polling must not be told a stream.
        if (!isMany) retrieval.initialPositionInStreamExtended(start);
        var polling = isMany ? new PollingConfig(kinesis) : new PollingConfig(text("stream"), kinesis);
        retrieval.retrievalSpecificConfig(polling.idleTimeBetweenReadsInMillis(number("idleTimeBetweenReadsMs")));
        var coordinator = configs.coordinatorConfig();
        coordinator.parentShardPollIntervalMillis(500);
        coordinator.workerStateChangeListener(state -> Told.tell(worker, state.name(), null, null));

        // DETAILED and all dimensions, its defaults; without an endpoint there is nobody to send metrics to.
        var metrics = configs.metricsConfig().metricsBufferTimeMillis(1000);
        if (!hasMetrics) metrics.metricsFactory(new NullMetricsFactory());
        Scheduler scheduler = new Scheduler(
                configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(),
                metrics, configs.processorConfig(), retrieval);
        Thread stop = new Thread(() -> {
            try {
                scheduler.startGracefulShutdown().get(20, TimeUnit.SECONDS);
            } catch (Exception e) {
                Told.tell(worker, "stopFailed", null, e.toString());
            }
        });
        Runtime.getRuntime().addShutdownHook(stop);
        scheduler.run();
        // The hook's end is the process's end; threads of the clients do not hold it up.
        System.exit(0);
    }

    /** By its name, since KCL 3.4.2 and older know one strategy only and have no word for it. */
    private static void assignBy(LeaseManagementConfig leases, String strategy) {
        try {
            Class<?> type = Class.forName("software.amazon.kinesis.leases.LeaseAssignmentStrategy");
            Object value = Stream.of(type.getEnumConstants())
                    .filter(constant -> constant.toString().equals(strategy))
                    .findFirst()
                    .orElseThrow();
            leases.getClass().getMethod("leaseAssignmentStrategy", type).invoke(leases, value);
        } catch (ClassNotFoundException e) {
            if (!strategy.equals("WORKER_UTILIZATION_AWARE")) throw new IllegalArgumentException(strategy, e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static StaticCredentialsProvider credentials() {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    }

    private String text(String name) {
        String value = settings.get(name);
        if (value == null) throw new IllegalArgumentException("expected the argument " + name + "=…");
        return value;
    }

    private long number(String name) {
        return Long.parseLong(text(name));
    }
}

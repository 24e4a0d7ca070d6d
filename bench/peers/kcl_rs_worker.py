"""A worker of kcl-rs that does nothing with its records. Arguments: URL, stream, POLLING or FANOUT, and the rest between two reads in
ms, or "default"."""

import sys

from kcl_rs import RecordProcessorBase, Scheduler


class Nothing(RecordProcessorBase):
    def initialize(self, initialize_input):
        pass

    def process_records(self, process_records_input):
        pass

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        pass


url, stream, mode, rest = sys.argv[1:]
options = {} if rest == "default" else {"shard_sync_interval_millis": 1000}
if rest != "default" and mode == "POLLING":
    options["idle_time_between_reads_millis"] = int(rest)
Scheduler(
    stream_name=stream,
    application_name="bench-kcl-rs",
    record_processor_factory=Nothing,
    worker_identifier="bench",
    region="us-east-1",
    endpoint_url=url,
    access_key_id="bench",
    secret_access_key="bench",
    initial_position="TRIM_HORIZON",
    retrieval_mode=mode,
    **options,
).run()

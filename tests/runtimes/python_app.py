"""A program on python/kclite, in the shape of the version that its argument names. It notes its calls on stderr."""

import json
import sys

from kclite import kcl
from kclite.v2 import processor as v2
from kclite.v3 import processor as v3


def note(*what):
    print(json.dumps(what), file=sys.stderr, flush=True)


def handle(records, checkpointer):
    for record in records:
        note("record", record.binary_data.decode(), record.get("sequenceNumber"), record["partitionKey"])
        if record.binary_data == b"raise":
            raise ValueError("as asked")
        if record.binary_data == b"checkpoint":
            checkpointer.checkpoint(record.sequence_number, record.sub_sequence_number)


def end(reason, checkpointer):
    note("shutdown", reason)
    try:
        checkpointer.checkpoint()
    except kcl.CheckpointError as error:
        note("refused", error.value)


class V1(kcl.RecordProcessorBase):
    def initialize(self, shard_id):
        note("initialize", shard_id)

    def process_records(self, records, checkpointer):
        handle(records, checkpointer)

    def shutdown(self, checkpointer, reason):
        end(reason, checkpointer)

    def shutdown_requested(self, checkpointer):
        end("REQUESTED", checkpointer)


class V2(v2.RecordProcessorBase):
    def initialize(self, initialize_input):
        note("initialize", initialize_input.shard_id)

    def process_records(self, process_records_input):
        handle(process_records_input.records, process_records_input.checkpointer)

    def shutdown(self, shutdown_input):
        end(shutdown_input.reason, shutdown_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        end("REQUESTED", shutdown_requested_input.checkpointer)


class V3(v3.RecordProcessorBase):
    def initialize(self, initialize_input):
        note("initialize", initialize_input.shard_id)

    def process_records(self, process_records_input):
        handle(process_records_input.records, process_records_input.checkpointer)

    def lease_lost(self, lease_lost_input):
        note("shutdown", "ZOMBIE")

    def shard_ended(self, shard_ended_input):
        end("TERMINATE", shard_ended_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        end("REQUESTED", shutdown_requested_input.checkpointer)


if __name__ == "__main__":
    kcl.KCLProcess({"v1": V1, "v2": V2, "v3": V3}[sys.argv[1]]()).run()

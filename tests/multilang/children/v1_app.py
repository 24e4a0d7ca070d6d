"""A program in the shape of the AWS guide, v1. It notes its calls on stderr, one JSON text a line."""

import json
import sys

import mini_kcl


def note(*what):
    print(json.dumps(what), file=sys.stderr, flush=True)


class Words:
    def initialize(self, shard_id):
        note("initialize", shard_id)

    def process_records(self, records, checkpointer):
        for record in records:
            note("record", record.get("data"), record.get("sequenceNumber"), record.get("partitionKey"))
        if records[-1].binary_data == b"raise":
            raise ValueError("as asked")
        if records[-1].binary_data == b"number":
            # Without its quotes, as an int.
            checkpointer.checkpoint(int(records[-1].sequence_number), 0)
        elif records[-1].binary_data == b"checkpoint":
            checkpointer.checkpoint()

    def shutdown(self, checkpointer, reason):
        note("shutdown", reason)
        try:
            checkpointer.checkpoint()
            note("checkpointed")
        except mini_kcl.CheckpointError as error:
            note("refused", error.value)


if __name__ == "__main__":
    print("noise on stdout")
    mini_kcl.run_v1(Words())

"""A program in the shape of the current library, v3. It notes its calls on stderr, one JSON text a line."""

import json
import sys

import mini_kcl


def note(*what):
    print(json.dumps(what), file=sys.stderr, flush=True)


class Words:
    def initialize(self, shard_id, sequence_number, sub_sequence_number):
        note("initialize", shard_id, sequence_number, sub_sequence_number)

    def process_records(self, records, millis_behind_latest, checkpointer):
        note("records", millis_behind_latest, [[r.sequence_number, r.sub_sequence_number, r.partition_key] for r in records])
        checkpointer.checkpoint(records[-1].sequence_number, records[-1].sub_sequence_number)

    def lease_lost(self):
        note("lease_lost")

    def shard_ended(self, checkpointer):
        note("shard_ended")
        checkpointer.checkpoint()

    def shutdown_requested(self, checkpointer):
        note("shutdown_requested")
        checkpointer.checkpoint()


if __name__ == "__main__":
    mini_kcl.run_v3(Words())

"""The names of amazon_kclpy, over the small client of the other tests, so that the example runs with nothing to install."""

import os
import sys
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../multilang/children"))

import mini_kcl  # noqa: E402


class KCLProcess:
    def __init__(self, processor):
        self._processor = processor

    def run(self):
        mini_kcl.run_v3(Spread(self._processor))


class Spread:
    """From the small client's parameters to one object with all of them."""

    def __init__(self, processor):
        self._processor = processor

    def initialize(self, shard_id, sequence_number, sub_sequence_number):
        self._processor.initialize(SimpleNamespace(shard_id=shard_id))

    def process_records(self, records, millis_behind_latest, checkpointer):
        self._processor.process_records(SimpleNamespace(records=records, checkpointer=checkpointer))

    def lease_lost(self):
        self._processor.lease_lost(SimpleNamespace())

    def shard_ended(self, checkpointer):
        self._processor.shard_ended(SimpleNamespace(checkpointer=checkpointer))

    def shutdown_requested(self, checkpointer):
        self._processor.shutdown_requested(SimpleNamespace(checkpointer=checkpointer))

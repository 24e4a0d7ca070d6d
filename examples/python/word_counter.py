"""A processor for amazon_kclpy, as it runs under Java's MultiLangDaemon. Nothing in it knows of kclite."""

import sys

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class WordCounter(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        self.counts = {}

    def process_records(self, process_records_input):
        for record in process_records_input.records:
            word = record.binary_data.decode()
            self.counts[word] = self.counts.get(word, 0) + 1
            # Standard output belongs to the protocol: a program prints on standard error.
            print(f"{word} {self.counts[word]}", file=sys.stderr, flush=True)
        process_records_input.checkpointer.checkpoint()

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        shutdown_requested_input.checkpointer.checkpoint()


if __name__ == "__main__":
    kcl.KCLProcess(WordCounter()).run()

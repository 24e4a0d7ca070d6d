"""The shape of version 2: each method takes one message, and ``shutdown`` says why."""

import abc

from kclite.processor_base import ProcessorBase


class RecordProcessorBase(ProcessorBase):
    """A record processor of version 2."""

    version = 2

    @abc.abstractmethod
    def shutdown(self, shutdown_input):
        """Called last. At ``TERMINATE`` the processor must make a checkpoint; at ``ZOMBIE`` it cannot."""
        raise NotImplementedError

    def shutdown_requested(self, shutdown_requested_input):
        """Called when the worker stops: the last chance to make a checkpoint."""


class V1toV2Processor(RecordProcessorBase):
    """A processor of version 1 in the shape of version 2."""

    def __init__(self, delegate):
        self.delegate = delegate

    def initialize(self, initialize_input):
        self.delegate.initialize(initialize_input.shard_id)

    def process_records(self, process_records_input):
        self.delegate.process_records(process_records_input.records, process_records_input.checkpointer)

    def shutdown(self, shutdown_input):
        self.delegate.shutdown(shutdown_input.checkpointer, shutdown_input.reason)

    def shutdown_requested(self, shutdown_requested_input):
        self.delegate.shutdown_requested(shutdown_requested_input.checkpointer)

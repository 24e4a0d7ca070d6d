"""The shape of version 3: the end of a shard and the loss of its lease are two methods."""

import abc

from kclite.messages import ShutdownInput
from kclite.processor_base import ProcessorBase


class RecordProcessorBase(ProcessorBase):
    """A record processor of version 3."""

    version = 3

    @abc.abstractmethod
    def lease_lost(self, lease_lost_input):
        """Called when another worker has the lease. Checkpoints are not possible any more."""
        raise NotImplementedError

    @abc.abstractmethod
    def shard_ended(self, shard_ended_input):
        """Called after the last record of the shard. The processor must make a checkpoint."""
        raise NotImplementedError

    @abc.abstractmethod
    def shutdown_requested(self, shutdown_requested_input):
        """Called when the worker stops: the last chance to make a checkpoint."""
        raise NotImplementedError


class V2toV3Processor(RecordProcessorBase):
    """A processor of version 2 in the shape of version 3."""

    def __init__(self, delegate):
        self.delegate = delegate

    def initialize(self, initialize_input):
        self.delegate.initialize(initialize_input)

    def process_records(self, process_records_input):
        self.delegate.process_records(process_records_input)

    def lease_lost(self, lease_lost_input):
        self.delegate.shutdown(ShutdownInput.zombie())

    def shard_ended(self, shard_ended_input):
        self.delegate.shutdown(ShutdownInput.terminate(shard_ended_input.checkpointer))

    def shutdown_requested(self, shutdown_requested_input):
        self.delegate.shutdown_requested(shutdown_requested_input)

"""What the shapes of version 2 and 3 share: each method takes one message."""

import abc


class ProcessorBase(object):
    """A record processor of either version."""

    __metaclass__ = abc.ABCMeta

    @abc.abstractmethod
    def initialize(self, initialize_input):
        """Called once, before all others."""
        raise NotImplementedError

    @abc.abstractmethod
    def process_records(self, process_records_input):
        """Called with each batch of records."""
        raise NotImplementedError

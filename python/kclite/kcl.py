"""Runs a record processor, and the shape of version 1."""

import abc
import json
import sys
import traceback

from kclite import dispatch, messages
from kclite.checkpoint_error import CheckpointError
from kclite.v2 import processor as v2processor
from kclite.v3 import processor as v3processor

__all__ = ["Checkpointer", "CheckpointError", "KCLProcess", "RecordProcessorBase"]


class _IOHandler(object):
    """Lines to and from the process that started this one."""

    def __init__(self, input_file, output_file, error_file):
        self.input_file = input_file
        self.output_file = output_file
        self.error_file = error_file

    def write_line(self, line):
        """A line between line ends, because others may print to the same file."""
        self.output_file.write("\n{}\n".format(line))
        self.output_file.flush()

    def write_error(self, error_message):
        self.error_file.write("{}\n".format(error_message))
        self.error_file.flush()

    def read_line(self):
        return self.input_file.readline()

    def load_action(self, line):
        return json.loads(line, object_hook=dispatch.message_decode)

    def write_action(self, response):
        self.write_line(json.dumps(response))


class Checkpointer(object):
    """Stores how far a shard was processed."""

    def __init__(self, io_handler):
        self.io_handler = io_handler

    def checkpoint(self, sequence_number=None, sub_sequence_number=None):
        """
        Stores a checkpoint, and waits for it.

        :param sequence_number: a text of digits; None for the end of what was delivered.
        :param sub_sequence_number: the place within an aggregated record; None for its end.
        :raises CheckpointError: when the checkpoint is refused.
        """
        self.io_handler.write_action({
            "action": "checkpoint",
            "sequenceNumber": sequence_number,
            "subSequenceNumber": sub_sequence_number,
        })
        answer = self.io_handler.load_action(self.io_handler.read_line())
        if not isinstance(answer, messages.CheckpointInput):
            raise CheckpointError("InvalidStateException")
        if answer.error is not None:
            raise CheckpointError(answer.error)


class RecordProcessorBase(object):
    """A record processor of version 1."""

    __metaclass__ = abc.ABCMeta
    version = 1

    @abc.abstractmethod
    def initialize(self, shard_id):
        """Called once, before all others."""
        raise NotImplementedError

    @abc.abstractmethod
    def process_records(self, records, checkpointer):
        """Called with each batch of records."""
        raise NotImplementedError

    @abc.abstractmethod
    def shutdown(self, checkpointer, reason):
        """Called last. At ``TERMINATE`` the processor must make a checkpoint; at ``ZOMBIE`` it cannot."""
        raise NotImplementedError

    def shutdown_requested(self, checkpointer):
        """Called when the worker stops: the last chance to make a checkpoint."""


class KCLProcess(object):
    """Runs one record processor, of version 1, 2 or 3, until its input ends."""

    def __init__(self, record_processor, input_file=sys.stdin, output_file=sys.stdout, error_file=sys.stderr):
        self.io_handler = _IOHandler(input_file, output_file, error_file)
        self.checkpointer = Checkpointer(self.io_handler)
        if record_processor.version == 1:
            record_processor = v2processor.V1toV2Processor(record_processor)
        if record_processor.version == 2:
            record_processor = v3processor.V2toV3Processor(record_processor)
        self.processor = record_processor

    def _perform_action(self, action):
        """What the processor raises goes to stderr, and the next message follows, as in amazon_kclpy."""
        try:
            action.dispatch(self.checkpointer, self.processor)
        except Exception as error:
            self.io_handler.write_error("Caught exception from action dispatch: {}".format(error))
            traceback.print_exc(file=self.io_handler.error_file)
            self.io_handler.error_file.flush()

    def _report_done(self, response_for=None):
        self.io_handler.write_action({"action": "status", "responseFor": response_for})

    def _handle_a_line(self, line):
        action = self.io_handler.load_action(line)
        self._perform_action(action)
        self._report_done(action.action)

    def run(self):
        """Handles messages until there are no more."""
        while True:
            line = self.io_handler.read_line()
            if not line:
                return
            self._handle_a_line(line)

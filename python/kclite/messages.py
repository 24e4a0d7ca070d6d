"""The messages of the MultiLangDaemon's protocol, as record processors of version 2 and 3 get them."""

import base64
from datetime import datetime

from kclite.checkpoint_error import CheckpointError


class MessageDispatcher(object):
    """A message that calls the method of a record processor that it is for."""

    def __init__(self, json_dict):
        self._action = json_dict["action"]

    @property
    def action(self):
        """The name of the message, such as ``initialize``."""
        return self._action

    def dispatch(self, checkpointer, record_processor):
        """Calls the method."""
        raise NotImplementedError


class _WithCheckpointer(MessageDispatcher):
    """A message during which checkpoints can be made."""

    def __init__(self, json_dict):
        super().__init__(json_dict)
        self._checkpointer = None

    @property
    def checkpointer(self):
        """A :class:`kclite.kcl.Checkpointer`."""
        return self._checkpointer


class InitializeInput(MessageDispatcher):
    """The processor has a lease, and begins."""

    def __init__(self, json_dict):
        super().__init__(json_dict)
        self._shard_id = json_dict["shardId"]
        self._sequence_number = json_dict["sequenceNumber"]
        self._sub_sequence_number = json_dict["subSequenceNumber"]

    @property
    def shard_id(self):
        """The shard that is processed."""
        return self._shard_id

    @property
    def sequence_number(self):
        """Where the processor begins: the last checkpoint, or a word such as ``TRIM_HORIZON``."""
        return self._sequence_number

    @property
    def sub_sequence_number(self):
        """The place within an aggregated record; 0 where there is none."""
        return self._sub_sequence_number

    def dispatch(self, checkpointer, record_processor):
        record_processor.initialize(self)


class ProcessRecordsInput(_WithCheckpointer):
    """A batch of records."""

    def __init__(self, json_dict):
        super().__init__(json_dict)
        self._records = json_dict["records"]
        self._millis_behind_latest = json_dict["millisBehindLatest"]

    @property
    def records(self):
        """A list of :class:`Record`."""
        return self._records

    @property
    def millis_behind_latest(self):
        """How far the batch is behind the tip of the shard, in ms."""
        return self._millis_behind_latest

    def dispatch(self, checkpointer, record_processor):
        self._checkpointer = checkpointer
        record_processor.process_records(self)


class LeaseLostInput(MessageDispatcher):
    """Another worker has the lease. Checkpoints are not possible any more."""

    def dispatch(self, checkpointer, record_processor):
        record_processor.lease_lost(self)


class ShardEndedInput(_WithCheckpointer):
    """All records of the shard were processed. The processor must make a checkpoint."""

    def dispatch(self, checkpointer, record_processor):
        self._checkpointer = checkpointer
        record_processor.shard_ended(self)


class ShutdownRequestedInput(_WithCheckpointer):
    """The worker stops. The processor can make a last checkpoint."""

    def dispatch(self, checkpointer, record_processor):
        self._checkpointer = checkpointer
        record_processor.shutdown_requested(self)


class LeaseLostCheckpointer:
    """Refuses checkpoints, because the lease is lost."""

    def checkpoint(self, sequence_number=None, sub_sequence_number=None):
        raise CheckpointError("Checkpointing is not allowed when the lease is lost")


class ShutdownInput:
    """Why a processor of version 1 or 2 ends: ``TERMINATE`` at the end of the shard, ``ZOMBIE`` without the lease."""

    @staticmethod
    def zombie():
        return ShutdownInput("ZOMBIE", LeaseLostCheckpointer())

    @staticmethod
    def terminate(checkpointer):
        return ShutdownInput("TERMINATE", checkpointer)

    def __init__(self, reason, checkpointer):
        self._reason = reason
        self._checkpointer = checkpointer

    @property
    def reason(self):
        """``TERMINATE`` or ``ZOMBIE``."""
        return self._reason

    @property
    def checkpointer(self):
        """Makes checkpoints, or refuses them."""
        return self._checkpointer

    @property
    def action(self):
        """``shutdown``"""
        return "shutdown"


class CheckpointInput(object):
    """The answer to a checkpoint. Record processors do not see it."""

    def __init__(self, json_dict):
        self._sequence_number = json_dict["sequenceNumber"]
        self._sub_sequence_number = json_dict["subSequenceNumber"]
        self._error = json_dict.get("error")

    @property
    def sequence_number(self):
        """Where the checkpoint is; None at the end of what was delivered."""
        return self._sequence_number

    @property
    def sub_sequence_number(self):
        """The place within an aggregated record."""
        return self._sub_sequence_number

    @property
    def error(self):
        """The name of KCL's exception; None when the checkpoint was stored."""
        return self._error


class Record(object):
    """One record, as a producer put it."""

    def __init__(self, json_dict):
        self._json_dict = json_dict
        self._sequence_number = json_dict["sequenceNumber"]
        self._sub_sequence_number = json_dict["subSequenceNumber"]
        self._timestamp_millis = int(json_dict["approximateArrivalTimestamp"])
        self._partition_key = json_dict["partitionKey"]
        self._data = json_dict["data"]

    @property
    def binary_data(self):
        """The payload, as bytes."""
        return base64.b64decode(self._data)

    @property
    def data(self):
        """The payload, in base64."""
        return self._data

    @property
    def sequence_number(self):
        """A text of digits. Records of one aggregated record share it."""
        return self._sequence_number

    @property
    def sub_sequence_number(self):
        """The place within an aggregated record; 0 where there is none."""
        return self._sub_sequence_number

    @property
    def timestamp_millis(self):
        """When Kinesis took the record, in ms since 1970."""
        return self._timestamp_millis

    @property
    def approximate_arrival_timestamp(self):
        """The same as a local ``datetime``."""
        return datetime.fromtimestamp(self._timestamp_millis / 1000.0)

    @property
    def partition_key(self):
        """The producer's key."""
        return self._partition_key

    def get(self, field):
        """A field of the message, such as ``partitionKey``, for processors of version 1."""
        return self._json_dict[field]

    def __getitem__(self, field):
        return self.get(field)

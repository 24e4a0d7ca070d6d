"""Makes messages of JSON."""

from kclite import messages


class MalformedAction(Exception):
    """A line is no message of the protocol."""


_serializers = {
    "initialize": messages.InitializeInput,
    "processRecords": messages.ProcessRecordsInput,
    "checkpoint": messages.CheckpointInput,
    "record": messages.Record,
    "shutdownRequested": messages.ShutdownRequestedInput,
    "leaseLost": messages.LeaseLostInput,
    "shardEnded": messages.ShardEndedInput,
}


def message_decode(json_dict):
    """The message of a JSON object. Raises :class:`MalformedAction`."""
    action = json_dict.get("action")
    if action not in _serializers:
        names = ", ".join(_serializers)
        raise MalformedAction("Cannot read a message: expected the action to be one of {}: got {}".format(names, action))
    return _serializers[action](json_dict)

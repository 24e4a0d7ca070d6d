"""A client of the MultiLangDaemon protocol in plain Python 3, written from the protocol's description.

It has the two shapes that programs are written in: v1 (`shutdown` with TERMINATE or ZOMBIE, as in the AWS guide) and v3 (one
method for each action). Like the official library it answers a status even if the program's method raises.
"""

import base64
import json
import sys
import traceback


class CheckpointError(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value


class Checkpointer:
    def checkpoint(self, sequence_number=None, sub_sequence_number=None):
        say({"action": "checkpoint", "sequenceNumber": sequence_number, "subSequenceNumber": sub_sequence_number})
        reply = hear()
        if reply["error"] is not None:
            raise CheckpointError(reply["error"])


class NoCheckpointer:
    """What a v1 program gets once its lease is lost: nothing goes to the daemon."""

    def checkpoint(self, sequence_number=None, sub_sequence_number=None):
        raise CheckpointError("Checkpointing is not allowed when the lease is lost")


class Record:
    """A record that must have every key; anything missing ends the program."""

    def __init__(self, fields):
        if fields["action"] != "record":
            raise ValueError(fields["action"])
        self._fields = fields
        self.sequence_number = fields["sequenceNumber"]
        self.sub_sequence_number = fields["subSequenceNumber"]
        self.partition_key = fields["partitionKey"]
        self.timestamp_millis = int(fields["approximateArrivalTimestamp"])
        self.binary_data = base64.b64decode(fields["data"], validate=True)

    def get(self, name):
        return self._fields[name]


def say(message):
    sys.stdout.write("\n" + json.dumps(message) + "\n")
    sys.stdout.flush()


def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def guarded(call, *arguments):
    try:
        call(*arguments)
    except Exception:
        traceback.print_exc()


def run_v1(app):
    """initialize(shard_id), process_records(records, checkpointer), shutdown(checkpointer, reason)."""
    ways = {
        "initialize": lambda m: (app.initialize, m["shardId"]),
        "processRecords": lambda m: (app.process_records, records_of(m), Checkpointer()),
        "leaseLost": lambda m: (app.shutdown, NoCheckpointer(), "ZOMBIE"),
        "shardEnded": lambda m: (app.shutdown, Checkpointer(), "TERMINATE"),
        "shutdownRequested": lambda m: (lambda: None,),
    }
    run(ways)


def run_v3(app):
    """One method for each action, each with what the message says."""
    ways = {
        "initialize": lambda m: (app.initialize, m["shardId"], m["sequenceNumber"], m["subSequenceNumber"]),
        "processRecords": lambda m: (app.process_records, records_of(m), m["millisBehindLatest"], Checkpointer()),
        "leaseLost": lambda m: (app.lease_lost,),
        "shardEnded": lambda m: (app.shard_ended, Checkpointer()),
        "shutdownRequested": lambda m: (app.shutdown_requested, Checkpointer()),
    }
    run(ways)


def records_of(message):
    return [Record(fields) for fields in message["records"]]


def run(ways):
    while True:
        message = hear()
        if message is None:
            return
        # An unknown action or a missing key ends the program here, as it ends the official library.
        call = ways[message["action"]](message)
        guarded(*call)
        say({"action": "status", "responseFor": message["action"]})

"""What a refused checkpoint raises."""


class CheckpointError(Exception):
    """A checkpoint was refused. ``value`` is the name of KCL's exception, such as ``ShutdownException``."""

    def __init__(self, value):
        self.value = value

    def __str__(self):
        return repr(self.value)

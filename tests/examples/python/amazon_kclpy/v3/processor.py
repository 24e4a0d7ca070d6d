"""The class that programs derive from."""


class RecordProcessorBase:
    pass

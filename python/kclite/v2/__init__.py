"""The shape of version 2."""

"""The shape of version 3."""

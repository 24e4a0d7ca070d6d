"""
Record processors for kclite, with the names of amazon_kclpy.

A program changes its imports alone: ``from kclite import kcl`` and ``from kclite.v3 import processor``. It still runs under
KCL's MultiLangDaemon, since both speak the same protocol.
"""

__version__ = "0.1.0"

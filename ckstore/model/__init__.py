"""Frozen values without I/O: names, versions, ranges, records, locks.

Nothing in this package opens a file, a socket or a process; everything here can be tested with
literals. The layers above exchange these values and nothing else.
"""

"""The git object database, the log in it, trees, digests, layout on disk.

Invariants (design, section 3), in the order in which things are written: objects are in one pack,
synced, before the log moves; the log moves, by one compare-and-swap of one ref, before anyone is told;
what is derived (index, extracted trees) comes after and may be deleted at any time.
"""

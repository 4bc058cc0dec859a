"""Forges: hosts that can be asked which repositories an owner has.

One small module per kind of forge behind :class:`~ckstore.mirror.forges.forge.Forge`; what they share of
HTTP (paging, limits, waiting, memory of answers) is in ``client.py``. ``opening.py`` chooses.
"""

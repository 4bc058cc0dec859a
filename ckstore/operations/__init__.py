"""One module per thing a user can ask for; the only place where engines meet.

Every function takes a store and values, gives a report (a frozen value with ``as_plain()``), raises the
errors of :mod:`ckstore.errors`, and never prints, asks or exits.
"""

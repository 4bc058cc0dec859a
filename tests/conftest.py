"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Derandomized, without deadlines: a test is red because of a change, never because of luck or a busy machine.
settings.register_profile(
    "ckstore", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ckstore")

"""When a forge says that it was asked too often, and until when: GitHub's, GitLab's and HTTP's own fields.

GitHub: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api; it says 403 as well
as 429. GitLab says 429 with ``RateLimit-Reset``. HTTP: RFC 9110, ``Retry-After``.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_USUAL = 60.0  # what GitHub asks for where it says nothing
_LONGEST = 24 * 3600.0


def pause_asked(status: int, fields: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait before asking again; None when the answer is not about a limit.

    ``fields`` are those of the answer, their names in lower case; ``now`` in seconds since 1970.
    """
    if status not in (403, 429, 503):
        return None
    after = _retry_after(fields.get("retry-after", ""), now)
    if after is not None:
        return after
    if status != 503:
        for prefix in ("x-ratelimit", "ratelimit"):
            reset = _number(fields.get(f"{prefix}-reset", ""))
            if reset is not None and fields.get(f"{prefix}-remaining", "").strip() == "0":
                return _bounded(reset - now + 1)
    return _USUAL if status == 429 else None


def _retry_after(text: str, now: float) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return _bounded(seconds)
    try:
        return _bounded(parsedate_to_datetime(text).timestamp() - now) if text else None
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    return float(text) if text.strip().isascii() and text.strip().isdigit() and len(text) < 16 else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST)

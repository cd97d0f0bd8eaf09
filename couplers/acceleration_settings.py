"""``[scheme.acceleration]``: how an implicit scheme gets from one iteration to the next."""

from __future__ import annotations

from .table import Table


class AccelerationSettings(Table):
    """Placeholder."""

"""``[scheme.acceleration]``: how an implicit scheme gets from one iteration to the next."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from .table import Table

_QUASI_NEWTON: dict[str, Any] = {"relaxation": 0.5, "filter": "automatic"}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "iqn-ils": {**_QUASI_NEWTON, "reused_windows": 20},
    "iqn-imvj": _QUASI_NEWTON,
    "aitken": {"relaxation": 0.5},
    "constant": {"relaxation": 0.5},
    "none": {},
}
_LIMITS: dict[str, float | None] = {"automatic": None, "qr1": 1e-6, "qr2": 1e-2}


class AccelerationSettings(Table):
    """``[scheme.acceleration]``: how an implicit scheme gets from one iteration to the next."""

    kind: Literal["iqn-ils", "iqn-imvj", "aitken", "constant", "none"] = Field(
        default="iqn-ils",
        description="iqn-ils, iqn-imvj: interface quasi-Newton methods, with columns of earlier windows or with the "
        "Jacobian that they left; aitken: a relaxation that adapts; constant: a fixed one; none: the new values.",
    )
    relaxation: Annotated[float, Field(gt=0.0, le=2.0, strict=True)] | None = Field(
        default=None,
        validate_default=True,
        description="Share of the residual that is taken: always (constant), at first (aitken), or as long as nothing "
        "is known of the problem (iqn-ils, iqn-imvj). Default: 0.5.",
    )
    reused_windows: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        default=None,
        validate_default=True,
        description="Windows whose columns iqn-ils keeps; with 0 those of the last window serve for a window's first "
        "step only. Default: 20.",
    )
    filter: Literal["automatic", "qr1", "qr2"] | None = Field(
        default=None,
        validate_default=True,
        description="How iqn-ils and iqn-imvj drop columns that depend on newer ones: by what is left of a column, "
        "relative to all (qr1) or to itself (qr2), or by whether it contradicts them (automatic). Default: automatic.",
    )
    filter_limit: Annotated[float, Field(gt=0.0, lt=1.0, strict=True)] | None = Field(
        default=None,
        validate_default=True,
        description="Share below which qr1 and qr2 drop a column. Default: 1e-6 for qr1, 1e-2 for qr2.",
    )

    @field_validator("relaxation", "reused_windows", "filter")
    @classmethod
    def _belongs_to_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """The default of the kind where nothing stands; an error where the kind has no such key."""
        kind, key = info.data.get("kind"), str(info.field_name)
        if kind is None or (value is not None and key in _DEFAULTS[kind]):
            return value
        if value is None:
            return _DEFAULTS[kind].get(key)
        others = ", ".join(f'"{name}"' for name, keys in _DEFAULTS.items() if key in keys)
        keys = ", ".join(["kind", *_DEFAULTS[kind]])
        raise ValueError(
            f'kind "{kind}" takes no {key}; allowed are {keys}; remove it, or choose another kind: {others}'
        )

    @field_validator("filter_limit")
    @classmethod
    def _belongs_to_filter(cls, value: float | None, info: ValidationInfo) -> float | None:
        name = info.data.get("filter")
        if value is None:
            return _LIMITS.get(name or "automatic")
        if name in ("qr1", "qr2"):
            return value
        found = f'filter "{name}" takes no filter_limit' if name else "there is no filter to take a filter_limit"
        raise ValueError(f'{found}; allowed is none; remove it, or choose filter = "qr1" or "qr2"')

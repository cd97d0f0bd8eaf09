"""Unit systems of participants, and the plain factors that convert between them.

A factor is worked out once, at set-up, with pint; at run time it is a float. A system is *coherent* (the unit of every
quantity is the product of its units of mass, length, time and temperature) except that LAMMPS measures energy and
pressure in units of their own in ``real`` and ``metal``. Every other quantity there is coherent too: momentum is
LAMMPS' mass times LAMMPS' velocity, (g/mol)(Å/fs) or (g/mol)(Å/ps), and density is (g/mol)/Å³ — not the g/cm³ that
LAMMPS prints.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .quantities import Dimension

if TYPE_CHECKING:
    import pint

# What pint would parse is wider, and so are the errors it lets through: only products of powers of names reach it.
_NAME = r"[^\W\d]\w*(?:\s*(?:\*\*|\^)\s*-?\d+)?"
_NUMBER_AND_UNIT = re.compile(
    rf"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>(?:{_NAME}(?:\s*[*/ ]\s*{_NAME})*)?)\s*"
)

SystemName = Literal["si", "real", "metal", "lj"]

ENERGY: Dimension = "[mass] * [length]**2 / [time]**2"
PRESSURE: Dimension = "[mass] / [length] / [time]**2"

# One unit of each system, in pint's words; avogadro_number turns LAMMPS' "per mole" into "per particle".
_UNITS: dict[str, dict[Dimension, str]] = {
    "si": {"[mass]": "kg", "[length]": "m", "[time]": "s", "[temperature]": "K"},
    "real": {
        "[mass]": "gram / avogadro_number",
        "[length]": "angstrom",
        "[time]": "fs",
        "[temperature]": "K",
        ENERGY: "kcal / avogadro_number",
        PRESSURE: "atm",
    },
    "metal": {
        "[mass]": "gram / avogadro_number",
        "[length]": "angstrom",
        "[time]": "ps",
        "[temperature]": "K",
        ENERGY: "eV",
        PRESSURE: "bar",
    },
}


class UnitSystem(BaseModel, frozen=True):
    """The units in which a participant holds every number.

    In a case: ``"si"``, ``"real"``, ``"metal"``, ``"lj"``, or, where Lennard-Jones units meet another system,
    ``{system = "lj", sigma = "0.34 nm", epsilon = "0.996 kJ/mol", mass = "39.95 g/mol"}``.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    system: SystemName = Field(description="Name of the unit system.")
    sigma: str | None = Field(default=None, description='Length unit of "lj", with its unit, e.g. "0.34 nm".')
    epsilon: str | None = Field(default=None, description='Energy unit of "lj", with its unit, e.g. "0.996 kJ/mol".')
    mass: str | None = Field(default=None, description='Mass unit of "lj", with its unit, e.g. "39.95 g/mol".')

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"system": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_scales(self) -> UnitSystem:
        given = {"sigma": self.sigma, "epsilon": self.epsilon, "mass": self.mass}
        named = [key for key, text in given.items() if text is not None]
        if named and self.system != "lj":
            raise ValueError(f'{", ".join(named)} belong to system "lj" only, not to "{self.system}"')
        if named and len(named) < 3:
            missing = ", ".join(key for key in given if key not in named)
            raise ValueError(f'system "lj" needs all of sigma, epsilon and mass or none of them; missing: {missing}')
        for (key, text), dimension in zip(given.items(), ("[length]", ENERGY, "[mass]"), strict=True):
            if text is not None and not si_value(text, dimension) > 0.0:
                raise ValueError(f"{key} is {text!r}; it must be positive")
        return self

    @model_serializer(mode="wrap")
    def _to_name(self, serialize: Any) -> str | dict[str, Any]:
        return self.system if self.sigma is None else serialize(self)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        table = handler.resolve_ref_schema(handler(schema))
        name = {"type": "string", "enum": list(get_args(SystemName)), "description": "Name of the unit system."}
        return {"anyOf": [name, table], "description": "Unit system."}

    @property
    def dimensionless(self) -> bool:
        """Whether no scale ties the system to other units (``lj`` without sigma, epsilon and mass)."""
        return self.system == "lj" and self.sigma is None

    def __str__(self) -> str:
        if self.sigma is None:
            return self.system
        return f"{self.system} (sigma = {self.sigma}, epsilon = {self.epsilon}, mass = {self.mass})"


def factor(dimension: Dimension, source: UnitSystem, target: UnitSystem) -> float:
    """Number by which a value in ``source`` units is multiplied to be in ``target`` units.

    Exactly 1.0 between equal systems. Raises ``ValueError`` where dimensionless ``lj`` meets another system.
    """
    if source == target:
        return 1.0
    return si_scale(dimension, source) / si_scale(dimension, target)


@functools.cache
def si_scale(dimension: Dimension, system: UnitSystem) -> float:
    """One unit of ``dimension`` of ``system``, in coherent SI units."""
    units = _base_units(system)
    powers = _powers(dimension)
    for special, value in units.items():
        if powers == _powers(special):
            return value
    return math.prod(units[base] ** power for base, power in powers.items())


def convert(text: str, dimension: Dimension, system: UnitSystem) -> float:
    """Value of a text such as ``"50 fs"`` in units of ``system``; ``ValueError`` says what is wrong with it."""
    return si_value(text, dimension) / si_scale(dimension, system)


def si_value(text: str, dimension: Dimension) -> float:
    """Value of a text such as ``"0.34 nm"`` in coherent SI units; "per mole" counts as "per particle"."""
    registry = _registry()
    parts = _NUMBER_AND_UNIT.fullmatch(text)
    if parts is None:
        raise ValueError(f'{text!r} is not a number and a unit; write e.g. "{_example(dimension)}"')
    try:
        quantity = registry.Quantity(float(parts["number"]), registry.parse_units(parts["unit"]))
        powers = quantity.dimensionality  # asked for here: of some names pint notices only now that they are no unit
    except AttributeError as error:  # pint's UndefinedUnitError is one
        raise ValueError(f'{parts["unit"]!r} is not a unit; write e.g. "{_example(dimension)}"') from error
    if "[substance]" in powers:
        quantity = quantity / registry.Quantity(1.0, "avogadro_constant") ** -quantity.dimensionality["[substance]"]
    found, wanted = _as_floats(quantity.dimensionality), _powers(dimension)
    if found != wanted:
        raise ValueError(
            f"{text!r} is a {_dimension_name(found)}, not a {_dimension_name(wanted)};"
            f' write e.g. "{_example(dimension)}"'
        )
    value = float(quantity.to_base_units().magnitude)
    if not math.isfinite(value):
        raise ValueError(f'{text!r} is not finite; write e.g. "{_example(dimension)}"')
    return value


_EXAMPLES: dict[Dimension, tuple[str, str]] = {
    "[length]": ("length", "0.34 nm"),
    "[time]": ("time", "50 fs"),
    "[mass]": ("mass", "39.95 g/mol"),
    "[temperature]": ("temperature", "300 K"),
    ENERGY: ("energy", "0.996 kJ/mol"),
    PRESSURE: ("pressure", "1 bar"),
    "[length] / [time]": ("velocity", "3 m/s"),
}


def _example(dimension: Dimension) -> str:
    return _EXAMPLES[dimension][1]


def _dimension_name(powers: dict[str, float]) -> str:
    if not powers:
        return "plain number"
    for dimension, (name, _) in _EXAMPLES.items():
        if _powers(dimension) == powers:
            return name
    return "quantity of dimension " + " ".join(f"{base}^{power:g}" for base, power in powers.items())


@functools.cache
def _base_units(system: UnitSystem) -> dict[Dimension, float]:
    """SI value of each unit that the system names."""
    if system.system != "lj":
        registry = _registry()
        return {
            dimension: float(registry.Quantity(1.0, unit).to_base_units().magnitude)
            for dimension, unit in _UNITS[system.system].items()
        }
    if system.sigma is None or system.epsilon is None or system.mass is None:
        raise ValueError(
            'units "lj" have no scale here and meet another unit system; give'
            ' {system = "lj", sigma = "…", epsilon = "…", mass = "…"}'
        )
    sigma, mass = si_value(system.sigma, "[length]"), si_value(system.mass, "[mass]")
    epsilon = si_value(system.epsilon, ENERGY)
    boltzmann = float(_registry().Quantity(1.0, "boltzmann_constant").to_base_units().magnitude)
    return {
        "[mass]": mass,
        "[length]": sigma,
        "[time]": sigma * math.sqrt(mass / epsilon),
        "[temperature]": epsilon / boltzmann,
    }


@functools.cache
def _powers(dimension: Dimension) -> dict[str, float]:
    """``"[mass] * [length]**2"`` as ``{"[mass]": 1, "[length]": 2}``."""
    from pint.util import to_units_container

    return _as_floats(to_units_container(dimension))


def _as_floats(powers: Any) -> dict[str, float]:
    """A container of pint's as a dictionary."""
    return {str(base): float(power) for base, power in powers.items()}


@functools.cache
def _registry() -> pint.UnitRegistry:
    # pint takes a third of a second to import and build: only cases that convert units pay for it.
    import pint

    return pint.UnitRegistry()

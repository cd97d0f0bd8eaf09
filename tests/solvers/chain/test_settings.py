"""What a chain says to mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from suture.solvers.chain import BridgingSettings, ChainSettings

CHAIN: dict[str, Any] = {
    "sites": 101, "core": [40, 60], "scheme": "quasi-nonlocal", "potential": {"kind": "harmonic"}, "step": 0.1,
}  # fmt: skip
DOMAIN: dict[str, Any] = {
    "atoms": 101, "overlap": 40, "element": 10, "elements": 12, "constraint": "consistent",
    "potential": {"kind": "harmonic"}, "step": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scheme": "energy-blended"}, "scheme 'energy-blended' needs a 'width', the spacings that it blends over"),
        ({"width": 4}, "scheme 'quasi-nonlocal' takes no 'width'; only energy-blended, force-blended, ghost-force"),
        ({"blending": "quintic"}, "scheme 'quasi-nonlocal' takes no 'blending'; only energy-blended, force-blended"),
        ({"sites": 4, "potential": {"kind": "lennard-jones"}}, "'sites' is 4; it must be more than 4, which fixed"),
        ({"correction_strain": 0.01}, "'quasi-nonlocal' has no 'correction_strain'; only 'ghost-force-corrected' has"),
        ({"scheme": "atoms"}, "scheme 'atoms' takes neither 'core' nor 'element'; it has atoms everywhere"),
        ({"core": None}, "scheme 'quasi-nonlocal' needs a 'core', the first and the last site that are atoms alone"),
        ({"core": [60, 40]}, r"'core' is \[60, 40\]; it must be two sites, in order, of 0 to 100"),
        ({"core": [40, 101]}, r"'core' is \[40, 101\]; it must be two sites, in order, of 0 to 100"),
        (
            {"scheme": "force-blended", "width": 16, "core": [40, 90]},
            r"'core' is \[40, 90\]: beyond it are 10 spacings at the upper end; the hand-shake needs 16, or none",
        ),
        ({"stadium": [{"begin": 5, "end": 5, "rate": 1.0}]}, "the stadium's 'begin' and 'end' are both 5; they must"),
        ({"scheme": "qce"}, "Input should be 'atoms', 'force-based', 'energy-based', 'quasi-nonlocal'"),
        ({"blending": "quartic"}, "Input should be 'linear', 'cubic', 'quintic' or 'cosine'"),
        ({"potential": {"kind": "morse"}}, "'lennard-jones', 'harmonic'"),
        ({"ends": {"upper": "held"}}, "Input should be 'fixed' or 'free'"),
        ({"step": 0.0}, "greater than 0"),
        ({"strain": 0.2}, "less than 0.1"),
        ({"damping": 1.0}, "damping\n  Extra inputs are not permitted"),
    ],
)
def test_mistakes_of_a_chain(change, message):
    with pytest.raises(ValidationError, match=message):
        ChainSettings.model_validate(CHAIN | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overlap": 35}, "'overlap' is 35; it must be a multiple of 'element', 10"),
        ({"overlap": 100}, "'overlap' is 100; it must be less than 'atoms' - 1, 100"),
        ({"elements": 4}, "'overlap' is 40; it must be less than the length of all elements, 40"),
        ({"constraint": "lumped"}, "Input should be 'consistent' or 'row-summed'"),
    ],
)
def test_mistakes_of_a_bridging_domain(change, message):
    with pytest.raises(ValidationError, match=message):
        BridgingSettings.model_validate(DOMAIN | change)


def test_both_are_accepted_as_they_stand():
    assert ChainSettings.model_validate(CHAIN).handshake == 1
    assert BridgingSettings.model_validate(DOMAIN).mass == 1.0

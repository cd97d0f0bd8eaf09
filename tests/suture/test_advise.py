"""``suture advise``: scales, turns, windows, and what noise demands."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from suture.advise import advice, fitting_window
from suture.advise_noise import Wish
from suture.couplers.case import load_case

from ..mpi import suture

CASES = Path(__file__).parents[2] / "cases"


def advised(case: Path, **wish: Any) -> dict[str, Any]:
    return advice(load_case(case), Wish(**wish))


@pytest.fixture(scope="module")
def couette() -> dict[str, Any]:
    return advised(CASES / "couette")


def test_atoms_beside_a_flow_with_a_fluid_that_the_case_measured(couette):
    """By hand from measured/fluid.json: ν = 2.159/0.8442, L = 36; c² = ∂p/∂ρ + T (∂p/∂T)² / (ρ² c_v) = 54.5."""
    channel = couette["participants"]["channel"]
    assert channel["times"]["momentum"] == pytest.approx(36**2 * 0.8442 / (math.pi**2 * 2.1591), rel=1e-4)
    squared = 36.17080 + 1.107 * 5.245468**2 / (0.8442**2 * 2.336840)
    assert channel["times"]["sound"] == pytest.approx(36 / math.sqrt(squared), rel=0.01)
    assert couette["interfaces"]["seam"]["advice"] == "concurrent"
    assert couette["participants"]["wall"]["noisy"] and not channel["noisy"]


def test_samples_of_one_slab(couette):
    """12 × 12 × 3 at ρ = 0.8442, T = 1.107: σ_u² = 1.107 / (0.8442 · 432), σ_ρ² = ρ kT / (36.17 · 432)."""
    quantities = couette["noise"]["wall"]["quantities"]
    assert quantities["velocity"]["deviation"] == pytest.approx(0.05509, rel=1e-3)
    assert quantities["velocity"]["samples"] == pytest.approx(1.107 / (0.8442 * 432) / 0.005**2, rel=1e-6)
    assert quantities["density"]["deviation"] == pytest.approx(math.sqrt(0.8442 * 1.107 / (36.1708 * 432)), rel=1e-5)
    assert quantities["temperature"]["deviation"] == pytest.approx(1.107 / math.sqrt(0.8442 * 432 * 2.33684), rel=1e-5)


def test_a_larger_error_a_faster_flow_and_a_longer_mean_need_less():
    wanted = advised(CASES / "couette", error=0.02, velocity=1.0, over=100.0)["noise"]["wall"]
    velocity = wanted["quantities"]["velocity"]
    assert velocity["samples"] == pytest.approx(1.107 / (0.8442 * 432) / 0.02**2, rel=1e-6)
    assert wanted["windows"] == 400
    assert velocity["members"] == math.ceil(velocity["samples"] / velocity["independent"]) == 2
    assert velocity["volume"] == pytest.approx(432 * velocity["samples"] / velocity["independent"])


def test_a_quick_side_beside_one_a_hundred_times_as_slow_needs_no_coupling_at_once():
    tree = advised(CASES / "two-slabs")
    assert tree["interfaces"]["seam"]["advice"] == "sequential"
    assert tree["interfaces"]["seam"]["ratio"] == pytest.approx(100.0)
    assert tree["window"]["because"] == "coat"
    assert tree["participants"]["coat"]["times"]["heat"] == pytest.approx(1.0 / math.pi**2, rel=1e-9)


def test_what_is_a_hundred_times_as_slow_may_have_a_clock_of_its_own(tmp_path):
    """The plate relaxes in 0.01 / π² and the coat in 1 / π²; with the clock that is proposed, both alike."""
    proposed = advised(CASES / "two-slabs")["interfaces"]["seam"]["clock"]
    assert proposed == {"participant": "coat", "clock": 100.0, "window": pytest.approx(0.001 / math.pi**2)}
    text = (CASES / "two-slabs" / "case.toml").read_text()
    (tmp_path / "case.toml").write_text(text.replace("[participants.coat]", "[participants.coat]\nclock = 100.0"))
    tree = advised(tmp_path)
    seam = tree["interfaces"]["seam"]
    assert seam["advice"] == "concurrent" and seam["ratio"] == pytest.approx(1.0) and "clock" not in seam
    assert ", by the clocks that the case gives them" in seam["why"]
    assert tree["participants"]["coat"]["times"]["heat"] == pytest.approx(0.01 / math.pi**2)
    assert tree["window"]["longest"] == pytest.approx(0.001 / math.pi**2)
    printed = " ".join(suture("advise", CASES / "two-slabs").stdout.split())
    assert "where only the steady state is wanted: clock = 100 in [participants.coat], with a window of at" in printed


def test_noise_is_told_in_the_cases_time(couette, tmp_path):
    """Atoms twice as quick have half the correlation time, and the same deviations."""
    shutil.copytree(CASES / "couette", tmp_path / "case", ignore=shutil.ignore_patterns("RUN*"))
    file = tmp_path / "case" / "case.toml"
    file.write_text(file.read_text().replace("[participants.wall]", "[participants.wall]\nclock = 2.0"))
    quick, usual = (tree["noise"]["wall"]["quantities"]["velocity"] for tree in (advised(tmp_path / "case"), couette))
    assert quick["deviation"] == usual["deviation"] and quick["samples"] == usual["samples"]
    assert quick["correlation_time"] == pytest.approx(usual["correlation_time"] / 2)
    assert quick["time"] == pytest.approx(usual["time"] / 2)


def test_masses_have_periods():
    tree = advised(CASES / "oscillator")
    assert tree["participants"]["light"]["times"]["period"] == pytest.approx(math.pi)
    assert tree["window"]["longest"] == pytest.approx(0.1 * math.pi)


def test_a_window_that_is_too_long_is_replaced_by_one_that_fits(tmp_path):
    text = (CASES / "split-channel" / "case.toml").read_text()
    case = load_case(CASES / "split-channel")
    (tmp_path / "case.toml").write_text(text.replace(f"window = {case.time.window}", f"window = {case.time.end / 2}"))
    window = advised(tmp_path)["window"]
    assert window["proposed"] <= window["longest"] < window["now"]
    assert case.time.end / window["proposed"] == pytest.approx(round(case.time.end / window["proposed"]))


@pytest.mark.parametrize(
    ("end", "longest", "step", "window"),
    [(250.0, 0.407, 0.005, 0.4), (250.0, 0.25, 0.005, 0.25), (1.0, 0.3, 0.0, 0.25), (1.0, 0.3, 0.7, None)],
)
def test_a_window_fits_the_end_and_the_steps(end, longest, step, window):
    assert fitting_window(end, longest, step) == (window if window is None else pytest.approx(window))


def test_what_cannot_be_told_is_said():
    tree = advised(CASES / "partitioned-heat-curved")
    assert tree["interfaces"]["arc"] == {
        "advice": "unknown",
        "ratio": None,
        "why": "left and right cannot tell how slow it is",
    }
    assert tree["window"]["longest"] is None


def test_the_command_prints_text_or_json():
    text = suture("advise", CASES / "couette").stdout
    assert "seam: concurrent; channel relaxes 2.07 times as slowly as wall" in text
    assert "window 0.25: at most 0.407" in text and "σ of a sample" in text
    assert "averaged over 5.36, 21 windows" in text
    assert 'filter = { kind = "moving-window", windows = 4 }' in text  # 1 + 2 · 0.407 / 0.25
    assert "ensemble = { members = 122 } in [participants.wall.solver]" in text
    tree = json.loads(suture("advise", CASES / "couette", "--error", "0.05", "--json").stdout)
    assert tree["noise"]["wall"]["error"] == 0.05
    refused = suture("advise", CASES / "couette", "--error", "0", check=False)
    assert refused.returncode == 2 and "0 is not positive" in refused.stderr
    nothing = suture("advise", CASES / "nowhere", check=False)
    assert nothing.returncode == 2 and "no such file or directory" in nothing.stderr


def test_bodies_of_finite_elements():
    """L² c / (π² k) of a box that conducts; 4 L √(ρ / E) of a bar without Poisson's ratio."""
    assert advised(CASES / "partitioned-heat")["participants"]["left"]["times"]["heat"] == pytest.approx(1 / math.pi**2)
    assert advised(CASES / "bar")["participants"]["left"]["times"]["vibration"] == pytest.approx(40.0)
    assert advised(CASES / "thermal-stress")["participants"]["mechanics"]["times"] == {}

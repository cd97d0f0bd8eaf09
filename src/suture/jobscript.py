"""``suture jobscript``: a batch job that runs a case, and goes on with it as often as its time is over."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .couplers.case import load_case
from .couplers.errors import LaunchError

if TYPE_CHECKING:
    from .couplers.case_model import Case

_WARNING = 600
"""Seconds before its end that a job is told, but no more than a tenth of its time."""

_SLURM = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --ntasks={ranks}
#SBATCH --time={time}
#SBATCH --signal=B:USR1@{warning}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
"""
_PBS = """\
#!/bin/bash
#PBS -N {name}
#PBS -l select=1:ncpus={ranks}:mpiprocs={ranks}
#PBS -l walltime={time}
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit 1
script=$PBS_O_WORKDIR/suture.pbs  # this file: it submits itself again
# PBS warns too late; the run ends in good order before this, as it does under Slurm, which sets it.
SLURM_JOB_END_TIME=$(($(date +%s) + {seconds}))
export SLURM_JOB_END_TIME
"""
_BODY = """
case_file={case}
run={run}

{launch}

# The newest complete checkpoint; nothing without one.
checkpoint() {{
    local folder newest=
    for folder in "$run"/checkpoints/window-*[0-9]; do
        if [[ -f $folder/manifest.json ]]; then newest=$folder; fi
    done
    echo "$newest"
}}

# A signal to this shell lets the run finish its window, write a checkpoint and end with 8.
woken=0
trap 'woken=1; touch "$run/stop"' USR1 TERM

before=$(checkpoint)
if [[ -n $before ]]; then
    launch --resume &
else
    launch &
fi
job=$!
code=127  # what wait says when it has told the status before
while :; do
    woken=0
    wait "$job"
    status=$?
    if ((status != 127)); then code=$status; fi
    if ((woken == 0)); then break; fi
done

if ((code == 8)); then
    if [[ $(checkpoint) == "$before" ]]; then
        echo "no window was finished and saved in this job's time: it is not submitted again" >&2
        exit 8
    fi
    {again}
fi
exit "$code"
"""
_AGAIN = {"slurm": 'scontrol requeue "$SLURM_JOB_ID"', "pbs": 'qsub "$script"'}
_ONE = """\
# One start with all ranks: suture divides them among the participants, does stale stages first, and starts Open MPI's
# mpirun itself. With another MPI, and the stages done before, put "srun -n {ranks}" or "mpirun -n {ranks}" in front.
launch() {{ {suture} run "$case_file" "$@"; }}"""
_SEVERAL = """\
# Programs of one's own stand beside suture's ranks under one mpirun; name them here, each as a list of words. They
# must take --resume (suture.join's resume).
{programs}
launch() {{ mpirun -n {ranks} {suture} run "$case_file" {only} "$@"{others}; }}"""


def jobscript(path: Path, time: str, pbs: bool) -> str:
    """The script, for Slurm or for PBS; ``time`` is HH:MM:SS.

    Raises ``CaseError`` for a case that is wrong and ``LaunchError`` for a time that is none.
    """
    case = load_case(path)
    seconds = _seconds(time)
    kind = "pbs" if pbs else "slurm"
    facts = {
        "name": re.sub(r"[^A-Za-z0-9_.-]", "-", case.directory.resolve().name)[:15],  # more is too long for PBS
        "ranks": case.ranks,
        "time": time,
        "seconds": seconds,
        "warning": min(_WARNING, seconds // 10),
        "case": shlex.quote(str(case.file.resolve())),
        "run": shlex.quote(str((case.directory / "RUN").resolve())),
        "launch": _launch(case),
        "again": _AGAIN[kind],
    }
    return ((_PBS if pbs else _SLURM) + _caution(case) + _BODY).format(**facts)


def _seconds(time: str) -> int:
    parts = re.fullmatch(r"(\d+):([0-5]\d):([0-5]\d)", time)
    seconds = sum(int(part) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True)) if parts else 0
    if not seconds:
        raise LaunchError(f"--time\n  found:   {time}\n  allowed: HH:MM:SS, as 23:30:00")
    return seconds


def _launch(case: Case) -> str:
    suture = f"{shlex.quote(sys.executable)} -m suture"
    foreign = [name for name, participant in case.participants.items() if participant.foreign]
    if not foreign:
        return _ONE.format(ranks=case.ranks, suture=suture)
    variable = {name: "program_" + re.sub(r"\W", "_", name) for name in foreign}
    programs = "\n".join(f"{variable[name]}=(echo 'name the program of {name} in this script')" for name in foreign)
    others = "".join(f' : -n {case.participants[name].ranks} "${{{variable[name]}[@]}}" "$@"' for name in foreign)
    own = [name for name in case.participants if name not in foreign]
    return _SEVERAL.format(
        programs=programs,
        ranks=sum(case.participants[name].ranks for name in own),
        suture=suture,
        only=" ".join(f"--only {name}" for name in own),
        others=others,
    )


def _caution(case: Case) -> str:
    if case.run.checkpoint_every or case.run.checkpoint_interval:
        return ""
    return (
        "\n# The case writes a checkpoint at this job's end only: set checkpoint_interval in [run], or a node that\n"
        "# fails takes all that was done in the job.\n"
    )

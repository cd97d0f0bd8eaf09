"""The command line: ``suture run``, ``check``, ``advise``, ``ledger``, ``profile``, ``verify``, ``plot`` and others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from .couplers.errors import SutureError
from .environment import start_mpi_only_under_mpi, under_mpi

# Each command imports what it needs when it runs, so that none waits for another's engines.

app = typer.Typer(
    name="suture",
    help="Couples separately running solvers into one simulation and keeps the books of mass, momentum and energy.",
    epilog="Exit codes: 0 all is well; 2 the case or the command is wrong; 3 a solver failed; 4 the books do not"
    " balance; 5 a partner is silent; 6 a case does not agree with its reference; 7 an implicit window does not"
    " converge; 8 stopped before its end, and can be resumed; 9 a file cannot be written; 1 anything else.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

CasePath = Annotated[Path, typer.Argument(metavar="CASE", help="The case directory, or its TOML file.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a run wrote, or the case directory.")]


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command; a user's mistake ends in a message and an exit code, never in a traceback."""
    if arguments is None:
        start_mpi_only_under_mpi()
    try:
        app(arguments)
    except SutureError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(0)


@app.command()
def run(
    case: CasePath,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Play this participant only (MPMD); repeatable.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder to write; default: CASE/RUN.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in the folder.")] = False,
) -> None:
    """Run a case: starts mpirun by itself, or joins the one that it was started under."""
    if only and under_mpi():
        from .entrance import watch

        watch(case)
    from .launch import run as launch

    code = launch(case, only=tuple(only or ()), output=output, resume=resume)
    if code:
        raise typer.Exit(code)


@app.command()
def check(
    case: CasePath,
    patch: Annotated[
        bool, typer.Option("--patch", help="Of atoms in a solid: also strain it uniformly, and show spurious forces.")
    ] = False,
) -> None:
    """Validate a case, its files and its scripts, and show how it is coupled; starts no run."""
    from .check import check as check_case

    check_case(case)
    if patch:
        from .patch import test

        test(case)


@app.command()
def advise(
    case: CasePath,
    error: Annotated[float, typer.Option("--error", help="Wanted standard error, relative.")] = 0.01,
    velocity: Annotated[
        float | None, typer.Option("--velocity", help="What the velocity's error is relative to; default: the case's.")
    ] = None,
    over: Annotated[
        float | None, typer.Option("--over", help="Time to average over; default: while the partner changes little.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Say what scales a case has, whether to couple it at once, with which window, and what its noise demands."""
    from .advise import advise as advise_case
    from .advise_noise import Wish

    for name, value in (("error", error), ("velocity", velocity), ("over", over)):
        if value is not None and not value > 0.0:
            raise typer.BadParameter(f"{value:g} is not positive", param_hint=f"--{name}")

    advise_case(case, Wish(error, velocity, over), as_json=json)


@app.command()
def ledger(
    run: RunPath,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    rows: Annotated[
        str | None,
        typer.Option("--rows", metavar="NAME", help="Show what each window brought: a participant, a flow or a row."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", metavar="FILE", help="Write every window's numbers for others to add up (.json[.gz])."),
    ] = None,
) -> None:
    """Print the books of a run, finished or not; fails where they do not balance."""
    from .books import show

    show(run, as_json=json, rows=rows, proof=proof)


@app.command()
def jobscript(
    case: CasePath,
    time: Annotated[str, typer.Option("--time", metavar="HH:MM:SS", help="What one job may take.")] = "24:00:00",
    pbs: Annotated[bool, typer.Option("--pbs", help="For PBS in place of Slurm.")] = False,
) -> None:
    """Print the script of a batch job that runs a case, and goes on with it in as many jobs as it takes."""
    from .jobscript import jobscript as script_of

    print(script_of(case, time, pbs), end="")


@app.command()
def profile(
    run: RunPath,
    trace: Annotated[
        Path | None, typer.Option("--trace", metavar="FILE", help="Write a trace for https://ui.perfetto.dev.")
    ] = None,
) -> None:
    """Show where each participant's time went, and who waited for whom."""
    from .profile import show

    show(run, trace)


@app.command()
def verify(
    cases: Annotated[list[Path], typer.Argument(metavar="CASE…", help="Case directories.")],
    rerun: Annotated[bool, typer.Option("--run/--no-run", help="Run first, or take the run that is there.")] = True,
) -> None:
    """Run cases and compare them with their references."""
    from .verify import verify as verify_cases

    verify_cases(cases, rerun)


@app.command()
def plot(run: RunPath) -> None:
    """Draw the figures and the report of a run into its folder."""
    from .plot import plot as plot_run

    print(plot_run(run))


@app.command()
def schema() -> None:
    """Print the JSON schema of case files, with the settings of every installed kind."""
    from .schema import case_schema_text

    print(case_schema_text(), end="")


@app.command(hidden=True)
def patch(case: CasePath, output: Annotated[Path, typer.Option("--output")]) -> None:
    """Play this rank's part of a patch test."""
    from .inside import strain

    code = strain(case, output)
    if code:
        raise typer.Exit(code)


@app.command(hidden=True)
def stage(case: CasePath, name: Annotated[str, typer.Argument(metavar="STAGE")]) -> None:
    """Do one stage of a case, on the ranks that this was started with."""
    from .stages import play

    play(case, name)


if __name__ == "__main__":
    main()

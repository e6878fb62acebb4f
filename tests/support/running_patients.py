"""Runs the machine of systems and patients: as a test, or as long as the command line says.

python tests/support/running_patients.py --runs 1000 --steps 40
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from patients_machine import Patients

from core.store.port import Store


def machine_on(home: Callable[[], Store]) -> type[Patients]:
    """Give the machine on another store, which `home` makes anew for each run."""
    return type("PatientsElsewhere", (Patients,), {"home": staticmethod(home)})


def drawing(count: int) -> settings:
    """Give settings that draw so often, the same each time, and take the first that is found."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


def run(machine: type[Patients], *, runs: int, steps: int, seed: int | None = None) -> None:
    """Run the machine so often, with so many steps; the same way each time unless seeded."""
    how = settings(
        drawing(runs),
        stateful_step_count=steps,
        derandomize=seed is None,
        phases=[Phase.generate, Phase.shrink] if seed is not None else [Phase.generate],
    )
    if seed is not None:
        hypothesis.seed(seed)(machine)
    run_state_machine_as_test(machine, settings=how)


def main() -> None:
    """Run it as long as the command line says, on memory."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=200)
    asked.add_argument("--steps", type=int, default=30)
    asked.add_argument("--seed", type=int, default=None)
    given = asked.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    sys.stdout.write(f"seed {seed}: --seed {seed} does the same again\n")
    run(Patients, runs=given.runs, steps=given.steps, seed=seed)
    sys.stdout.write(f"{given.runs} runs of {given.steps} steps: told is what was written\n")


if __name__ == "__main__":
    main()

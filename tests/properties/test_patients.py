"""Systems read and change patients by messages: a model says what each of them sees."""

from __future__ import annotations

from hypothesis import settings
from patients_machine import Patients

TestPatients = Patients.TestCase
TestPatients.settings = settings(
    max_examples=15, stateful_step_count=20, derandomize=True, deadline=None, database=None
)

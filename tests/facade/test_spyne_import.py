"""What importing spyne does, on every Python that is supported, and leaves behind."""

from __future__ import annotations

from own_python import run


def test_spyne_is_imported_without_a_warning_and_python_is_left_as_it_was() -> None:
    done = run(
        "import sys, warnings\n"
        "finders, filters = list(sys.meta_path), list(warnings.filters)\n"
        "from facade.itk import imported\n"
        "parts = imported()\n"
        "left = [type(one).__name__ for one in sys.meta_path if one not in finders]\n"
        "assert left == ['_Moved'], left\n"
        "assert warnings.filters == filters\n"
        "assert imported().wsgi is parts.wsgi\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_later_import_warns_of_nothing_either() -> None:
    done = run(
        "from facade.itk import imported\n"
        "imported()\n"
        "try:\n"
        "    import no_such_module\n"
        "except ModuleNotFoundError:\n"
        "    pass\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_facade_is_imported_without_spyne() -> None:
    done = run("import sys\nimport facade.server\nassert 'spyne' not in sys.modules\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_spyne_logs_nothing_of_what_a_message_said() -> None:
    done = run(
        "import logging\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "from facade.itk import imported\n"
        "imported()\n"
        "logging.getLogger('spyne.server.wsgi').critical('a patient')\n"
    )
    assert (done.returncode, done.stderr) == (0, "")

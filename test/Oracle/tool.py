"""Runs the tools under test: time limit, captured output, no surprises."""
import subprocess


class ToolFailure(Exception):
    """A tool failed where it should have succeeded."""


def attempt(command, stdin=None, timeout=120):
    """(exit status, standard output, standard error), as bytes. A hang is a ToolFailure."""
    try:
        result = subprocess.run([str(word) for word in command], input=stdin, capture_output=True,
                                timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolFailure(f"no end after {timeout} s: {' '.join(map(str, command))}") from error
    return result.returncode, result.stdout, result.stderr


def run(command, stdin=None, timeout=120):
    """Standard output, as bytes."""
    status, output, errors = attempt(command, stdin, timeout)
    if status != 0:
        raise ToolFailure(f"exit status {status}: {' '.join(map(str, command))}\n"
                          + errors.decode(errors="replace")[:4000])
    return output

"""What can end a job other than success, and the exit status of each."""

from __future__ import annotations


class BadInput(ValueError):
    """Arguments or data that cannot be used; the message is one line that says what was expected, what came and where.

    Ends a job with exit status 2.
    """


class Refused(RuntimeError):
    """A gate said no; everything else is written and the old champion stays. Ends a job with exit status 3."""


class Failed(RuntimeError):
    """The work did not come to its end, for a reason that one line says. Ends a job with exit status 1."""

"""Every failure as one line that says what to do."""

from __future__ import annotations

from systemzero_client.cli.terminal import printable
from systemzero_client.errors import SystemZeroError
from systemzero_core.errors import DomainError, InvalidInput


class Problem(Exception):
    """A failure of the command line itself; the message says what to do."""


EXPECTED = (Problem, SystemZeroError, DomainError, OSError)
"""What may go wrong: each becomes one line. Anything else is a fault of ours."""

_HINTS = {
    "UNAUTHENTICATED": "`sz login` stores another API key",
    "PERMISSION_DENIED": "an admin can make a key that may: `sz keys create`",
    "UNAVAILABLE": "try again",
    "INTERNAL": "the server's log has the details",
}


def describe(error: BaseException, target: str = "the server") -> str:
    """One line about `error`, without control characters."""
    if isinstance(error, SystemZeroError):
        line = _describe_call(error, target)
    elif isinstance(error, InvalidInput):
        line = _with_violations(error.message, error.violations)
    elif isinstance(error, DomainError):
        line = error.message
    elif isinstance(error, OSError) and error.filename is not None:
        line = f"{error.filename}: {error.strerror}"
    else:
        line = str(error) or type(error).__name__
    return printable(line)


def _describe_call(error: SystemZeroError, target: str) -> str:
    if not error.reason:
        return _describe_transport(error, target)
    line = _with_violations(error.message, error.violations)
    if "try again" in line:  # the server has said when
        return line
    if error.reason == "RATE_LIMITED" and error.retry_after is not None:
        return f"{line}; try again in {max(error.retry_after, 0.1):.1f} seconds"
    hint = _HINTS.get(error.reason)
    return f"{line}; {hint}" if hint else line


def _describe_transport(error: SystemZeroError, target: str) -> str:
    """A failure that no service of the platform told of: the way there broke."""
    if error.code.name == "UNAVAILABLE":
        return (
            f"cannot reach {target} ({_cause(error.message)}); is the server running? `make run` "
            "starts one, `--server` names another"
        )
    if error.code.name == "DEADLINE_EXCEEDED":
        return f"{target} did not answer in time; `--timeout` gives it more"
    return f"{target} answered {error.code.name}: {error.message}"


def _cause(details: str) -> str:
    """The end of gRPC's long sentence: `Connection refused`, or why TLS failed."""
    if "WRONG_VERSION_NUMBER" in details:
        return "it does not speak TLS; `--plaintext` if it should not"
    last = details.rpartition("last error: ")[2]
    cause = last.rpartition(": ")[2].rstrip()
    return cause.removesuffix("])").removesuffix("]") or "no connection"


def _with_violations(message: str, violations: object) -> str:
    """`message`, and each violation that it does not repeat itself."""
    parts = [f"{v.field}: {v.description}" for v in violations]  # type: ignore[attr-defined]
    return "; ".join([message, *(part for part in parts if part not in message)])

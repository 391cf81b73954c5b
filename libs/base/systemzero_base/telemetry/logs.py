"""Structured logs: JSON lines, each a constant event name plus fields.

A line of a call has the call's request id and trace. Nothing secret is passed in;
`systemzero_base.secrets.Secret` does not print if it is. Security events can have a file of
their own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import structlog

from systemzero_base.settings.config import LogLevel, Settings
from systemzero_base.telemetry.log_limiter import LogLimiter
from systemzero_base.telemetry.logsink import LogFile, Sink, Stream
from systemzero_base.telemetry.observed import CurrentCall, current_call

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
SECURITY: Final = "security"

_STREAMS: Final = ("stderr", "stdout")
_BROKEN: Final = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})
_FAILING: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})


class LogSettings(Settings, frozen=True):
    """What is logged, and where to.

    Attributes:
        level: `debug`, `info`, `warning` or `error`: lines below it are left out.
        output: `stderr`, `stdout`, or a file.
        security_output: where security events go; empty for where all others do.
        max_bytes: a file that would get larger is moved aside; 0 for no bound.
        backups: how many files that were moved aside are kept: `NAME.1` is the last one.
    """

    level: LogLevel = "info"
    output: str = "stderr"
    security_output: str = ""
    max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    backups: Annotated[int, msgspec.Meta(ge=0)] = 5

    def sinks(self) -> tuple[Sink, Sink]:
        """Where lines go, and where those of security events do.

        Raises:
            OSError: a file can't be opened.
        """
        main = self._sink(self.output)
        if self.security_output in ("", self.output):
            return main, main
        return main, self._sink(self.security_output)

    def _sink(self, output: str) -> Sink:
        if output in _STREAMS:
            return Sink(Stream(output))
        return Sink(LogFile(Path(output), self.max_bytes, self.backups))


class _Logs:
    """What this process's logs are set to; nothing is written before."""

    main: Sink | None = None
    security: Sink | None = None


def configure(settings: LogSettings) -> None:
    """Send the logs of this process where `settings` say.

    Raises:
        OSError: a file can't be opened.
    """
    flush()
    _Logs.main, _Logs.security = settings.sinks()
    level = LEVELS[settings.level]
    structlog.configure(
        processors=[
            _stamp,
            structlog.processors.format_exc_info,
            _name_call,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Writer,
        cache_logger_on_first_use=True,
    )
    handler = _Libraries()
    handler.addFilter(_is_of_us)
    logging.basicConfig(handlers=[handler])
    logging.getLogger().setLevel(level)


def flush() -> None:
    """Write what waits to be written."""
    for sink in (_Logs.main, _Logs.security):
        if sink is not None:
            sink.drain()


def unconfigure() -> None:
    """Write what waits to be written, and from then on nothing, as before `configure`."""
    flush()
    _Logs.main = _Logs.security = None
    structlog.reset_defaults()


def get_logger(service: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines name `service`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=service)
    return logger


def get_security_logger(service: str) -> structlog.typing.FilteringBoundLogger:
    """A logger of security events: its lines have `category` `security`."""
    return get_logger(service).bind(category=SECURITY)


class _Writer:
    """What structlog hands rendered lines to."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: bytes, category: str) -> None:
        sink = _Logs.security if category == SECURITY else _Logs.main
        if sink is not None:
            sink.write(line)

    debug = info = warning = error = critical = exception = msg


def _stamp(_logger: object, level: str, fields: Any) -> Any:
    fields["level"] = level
    fields.setdefault("timestamp", datetime.now(UTC))
    return fields


def _name_call(_logger: object, _name: str, fields: Any) -> Any:
    call = None if "request_id" in fields else current_call()
    if call is not None:
        fields["request_id"] = call.request_id
        if call.span_context is not None:
            fields["trace_id"] = call.trace_id
    return fields


def _render(
    _logger: object, _name: str, fields: structlog.typing.EventDict
) -> tuple[tuple[bytes], dict[str, Any]]:
    return (_encoded(fields),), {"category": fields.get("category", "")}


def _encoded(fields: Any) -> bytes:
    try:
        return msgspec.json.encode(fields, enc_hook=str)
    except UnicodeEncodeError:
        # half a character of somebody's input, quoted by an error: a log line never fails a call
        return json.dumps(fields, default=str, ensure_ascii=False).encode("utf-8", "replace")


STRANGERS: Final = 10
"""Lines a second of calls that failed and are nobody's."""


class CallLog:
    """Writes the line of each call: fields without a value are left out."""

    def __init__(self, service: str, ticks: Callable[[], float] = time.monotonic) -> None:
        """`ticks` gives seconds that never go back."""
        self._logger = get_logger(service)
        self._strangers = LogLimiter(ticks, STRANGERS)

    def write(self, call: CurrentCall, status: str) -> None:
        """`call` is over with `status`.

        Of calls that failed and are nobody's, `STRANGERS` a second have a line, and the next of
        those says how many had none: whoever has no credential does not fill a disk.
        """
        if _Logs.main is None:  # before `configure` structlog would print it
            return
        times = 1 if status == "OK" or call.tenant else self._strangers.now()
        if not times:
            return
        fields = {
            "rpc_method": call.method,
            "status": status,
            "seconds": round(call.seconds, 6),
            "request_id": call.request_id,
            "trace_id": call.trace_id,
            "tenant": call.tenant,
            "principal": call.principal,
            "verdict": call.verdict,
            "reason": call.reason,
            "lines_left_out": times - 1,
        }
        said = {name: value for name, value in fields.items() if value or name == "seconds"}
        if status in _BROKEN:
            self._logger.error("rpc", **said)
        elif status in _FAILING:
            self._logger.warning("rpc", **said)
        else:
            self._logger.info("rpc", **said)


_OF_PEERS = (
    "Invalid encoding",  # metadata that is no UTF-8, in full: it may be a credential
    "ExecuteBatchError raised in core",  # a stream's peer that is gone; the call's own line says so
)


def _is_of_us(record: logging.LogRecord) -> bool:
    """Drops what gRPC says, with a traceback each time, of what peers do: they choose how often."""
    return record.name != "grpc._cython.cygrpc" or not str(record.msg).startswith(_OF_PEERS)


class _Libraries(logging.Handler):
    """What libraries log, as lines of the same kind."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`; a line that can't be made is lost."""
        if _Logs.main is None:
            return
        with suppress(TypeError, ValueError):  # its arguments are not those of its text
            structlog.get_logger().log(
                max(min(record.levelno // 10 * 10, logging.CRITICAL), logging.DEBUG),
                "library",
                logger=record.name,
                message=record.getMessage(),
                timestamp=datetime.fromtimestamp(record.created, UTC),
                exc_info=record.exc_info,
            )

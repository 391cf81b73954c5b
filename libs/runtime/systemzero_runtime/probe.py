"""Ask a process on this machine whether it serves: `python -m systemzero_runtime.probe`.

For a container's HEALTHCHECK, without a shell or curl: one `grpc.health.v1` call in the clear, to
the address in the variable `SZ_PROBE` unless one is named. The status is 0 for SERVING, 1 for
anything else, with the reason on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

DEFAULT_ADDRESS = "127.0.0.1:9466"


def main() -> int:
    """Ask; the process's exit status."""
    parser = argparse.ArgumentParser(prog="probe", description="Ask whether a service serves.")
    address = os.environ.get("SZ_PROBE", DEFAULT_ADDRESS)
    parser.add_argument("address", nargs="?", default=address, help="host:port of its health port")
    parser.add_argument("--service", default="", help="of this one; else of all together")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait for an answer")
    arguments = parser.parse_args()
    said = ask(arguments.address, arguments.service, arguments.timeout)
    if said != "SERVING":
        sys.stderr.write(f"{arguments.address}: {said}\n")
    return int(said != "SERVING")


def ask(address: str, service: str, timeout: float) -> str:
    """What the process at `address` says of `service`, or the status code of the failed call."""
    direct = [("grpc.enable_http_proxy", 0)]  # whatever the environment says of proxies
    with grpc.insecure_channel(address, direct) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code.name
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


if __name__ == "__main__":
    sys.exit(main())

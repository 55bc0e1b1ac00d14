"""Starts the services that the example workflows ask: `python -m examples.services --port 8765`."""

import argparse
from http import HTTPStatus

from examples.services.server import Server
from examples.services.shop import SERVICES, Trouble

PORT = 8765
"""What the inputs of the workflows name where nothing else is said."""


def trouble_of(text: str) -> Trouble:
    """`payments`, `payments:A-17` or `payments:A-17:402` as a failure that a service is to have."""
    service, _, rest = text.partition(":")
    reference, _, status = rest.partition(":")
    if service not in SERVICES:
        raise argparse.ArgumentTypeError(f"there is no service {service!r}, only {', '.join(SERVICES)}")
    if status and not status.isdecimal():
        raise argparse.ArgumentTypeError(f"{status!r} is no status of HTTP")
    return Trouble(service, reference or None, status=int(status or HTTPStatus.SERVICE_UNAVAILABLE))


def main() -> None:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(prog="examples.services", description="Stand-ins for the services of a shop.")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument(
        "--fail",
        type=trouble_of,
        action="append",
        default=[],
        metavar="SERVICE[:REFERENCE[:STATUS]]",
        help="have a service fail, for everything or for one order",
    )
    given = parser.parse_args()
    with Server(given.port) as server:
        for trouble in given.fail:
            server.shop.fail(trouble)
        print(f"Services at {server.address}: {', '.join(SERVICES)}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()

"""Ports of the loopback interface: reserving one, and seeing who listens."""

import socket
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LISTENING = "0A"


def reserve_port() -> socket.socket:
    """Bind a free port so that nobody else is given it, yet a server can take it.

    The kernel gives a bound port to nobody; a server that asks for it by number gets it, because both sockets
    allow reuse and this one does not listen.

    Returns:
        The bound socket, whose port is `getsockname()[1]`. Close it once the server listens.
    """
    holder = socket.socket()
    holder.bind((LOOPBACK, 0))
    # Only now: allowed before binding, the kernel could choose a port that another holder has reserved.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return holder


def is_taken(port: int) -> bool:
    """Whether anything accepts connections at a port of the loopback interface."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def find_open_addresses(port: int) -> list[str]:
    """Addresses beyond the loopback interface on which this machine listens at a port.

    Args:
        port: The port.

    Returns:
        Addresses such as `0.0.0.0`; empty as well where the system has no `/proc/net/tcp`.
    """
    addresses = []
    for table, family in (("/proc/net/tcp", socket.AF_INET), ("/proc/net/tcp6", socket.AF_INET6)):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for _, local, _, state, *_ in map(str.split, lines):
            digits, local_port = local.split(":")
            if state != _LISTENING or int(local_port, 16) != port:
                continue
            # Words of 32 bits in the machine's own byte order.
            words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
            address = socket.inet_ntop(family, b"".join(word.to_bytes(4, sys.byteorder) for word in words))
            if address != "::1" and not address.removeprefix("::ffff:").startswith("127."):
                addresses.append(address)
    return addresses

"""The guard where connections are made: what is public, what is allowed, and addresses that change between looks."""

from collections.abc import Sequence
from pathlib import Path

import httpcore
import httpx
import pytest

from tests.tools.raw_server import raw_server
from tools.network import Clients, PrivateAddress, is_public, resolve


class Names:
    """A resolver: each look-up takes the next answer, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.looks = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.looks += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("255.255.255.255", "198.18.0.1", "192.0.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2001::1"),
        *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "not an address", ""),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """Also where a private IPv4 address is packed into one of IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address: str) -> None:
    """The guard is no wall around everything."""
    assert is_public(address)


async def test_forms_of_loopback_are_all_refused() -> None:
    """However the host is written, nothing is connected."""
    async with raw_server() as server, Clients() as clients:
        for host in ("127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
            with pytest.raises((PrivateAddress, httpx.ConnectError)):
                await clients.guarded.get(f"http://{host}:{server.port}/")
        assert server.asked == []


async def test_one_private_address_among_public_ones_is_enough() -> None:
    """A name is refused before any of its addresses is tried."""
    names = Names(["8.8.8.8", "127.0.0.1"])
    async with raw_server() as server, Clients(resolve=names) as clients:
        with pytest.raises(PrivateAddress, match=r"rebind.example is at 127.0.0.1.* Name it in the setting"):
            await clients.guarded.get(f"http://rebind.example:{server.port}/")
        assert server.asked == []


async def test_a_name_whose_address_changes_is_connected_to_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up once for a connection, and the connection goes to that address: a second answer does not help."""
    names, tried = Names(["192.0.2.1"], ["127.0.0.1"]), []

    async def connect(self: object, host: str, *args: object, **kwargs: object) -> object:
        tried.append(host)
        raise httpcore.ConnectError("no way")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    monkeypatch.setattr("tools.network.is_public", lambda address: not address.startswith("127."))
    async with Clients(resolve=names) as clients:
        with pytest.raises(httpx.ConnectError):
            await clients.guarded.get("http://rebind.example/")
        assert (names.looks, tried) == (1, ["192.0.2.1"])
        with pytest.raises(PrivateAddress):
            await clients.guarded.get("http://rebind.example/")
        assert tried == ["192.0.2.1"]


async def test_a_host_that_the_user_allowed_is_asked() -> None:
    """By its name, or by name and port; what comes from the server's cookies is forgotten."""
    async with raw_server() as server:
        address = server.answer("/", b"hi", Set_Cookie="a=1").replace("127.0.0.1", "localhost")
        for allowed in ("localhost", f"LOCALHOST:{server.port}"):
            async with Clients([allowed]) as clients:
                assert (await clients.guarded.get(address)).text == "hi"
                assert (await clients.guarded.get(address)).text == "hi"
        async with Clients([f"localhost:{server.port + 1}"]) as clients:
            with pytest.raises(PrivateAddress):
                await clients.guarded.get(address)
        assert not any("cookie" in headers for _, _, headers, _ in server.asked)


async def test_a_second_address_is_tried_when_the_first_is_dead() -> None:
    """Names with several addresses work when one of these answers."""
    async with raw_server() as server:
        server.answer("/", b"hi")
        names = Names(["::1", "127.0.0.1"])
        async with Clients(["two.example"], names) as clients:
            assert (await clients.guarded.get(f"http://two.example:{server.port}/")).text == "hi"


async def test_what_is_no_host_has_no_address() -> None:
    """A name that cannot be one is told as that, and a guarded client asks no socket of this machine."""
    with pytest.raises(OSError, match="no name of a host"):
        await resolve("a" * 64 + ".example", 80)
    async with Clients(resolve=Names([])) as clients:
        with pytest.raises(httpx.ConnectError, match="has no address"):
            await clients.guarded.get("http://none.example/")


async def test_the_proxy_of_the_environment_is_not_a_way_round_the_guard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy would look the name up by itself: guarded requests do not go through one."""
    async with raw_server() as server:
        monkeypatch.setenv("HTTP_PROXY", server.base)
        async with Clients() as clients:
            with pytest.raises(PrivateAddress):
                await clients.guarded.get("http://127.0.0.1:9/")
        assert server.asked == []

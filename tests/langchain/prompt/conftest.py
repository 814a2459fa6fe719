"""These tests may reach a server on this machine, and nothing else."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def loopback(no_network: None) -> Iterator[None]:
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    yield
    pytest_socket._remove_restrictions()

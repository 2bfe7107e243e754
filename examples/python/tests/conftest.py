import os
from collections.abc import Iterator
from threading import Thread
from urllib.parse import urlsplit

import grpc
import pytest

from order_service.gateway import Gateway
from order_service.server import OrderServer
from tests.orders_client import OrdersClient
from tests.payment_sim import PaymentSim, Session

PAYMENT_SIM_URL = os.environ.get("PAYMENT_SIM_URL", "http://localhost:8030")
WEBHOOK_SECRET = os.environ.get("WEBHOOK_SECRET", "payment-sim-dev-secret")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Says once, and before any test, that no simulator answers."""
    if hasattr(session.config, "workerinput"):
        return  # In a process of pytest-xdist; the first process has looked.
    try:
        with PaymentSim(PAYMENT_SIM_URL).session():
            pass
    except grpc.RpcError as error:
        pytest.exit(
            f"No Payment Sim at {PAYMENT_SIM_URL}: start it with `npm start` in its checkout, or set PAYMENT_SIM_URL.\n"
            f"{error.code().name}: {error.details()}",
            returncode=1,
        )


@pytest.fixture(scope="session")
def payment_sim() -> PaymentSim:
    return PaymentSim(PAYMENT_SIM_URL)


@pytest.fixture(scope="session")
def order_service_url() -> Iterator[str]:
    """The code under test: one for each process that runs tests, at a port that the system chooses."""
    with OrderServer("127.0.0.1", 0, Gateway(urlsplit(PAYMENT_SIM_URL).netloc), WEBHOOK_SECRET) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server.url
        server.shutdown()


@pytest.fixture
def session(payment_sim: PaymentSim) -> Iterator[Session]:
    with payment_sim.session() as session:
        yield session


@pytest.fixture
def orders(order_service_url: str, session: Session) -> OrdersClient:
    return OrdersClient(order_service_url, session.headers)

"""Payment Sim in tests: a session for each test, with rules and a clock of its own. Copy this file."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import grpc
from google.protobuf.duration_pb2 import Duration
from payment.v1.payment_pb2 import SIMULATED_CHANNEL_WEBHOOK, ListPaymentsRequest, Payment, SimulationOptions
from payment.v1.payment_pb2_grpc import PaymentServiceStub
from simulator.v1 import simulator_pb2 as pb
from simulator.v1.simulator_pb2_grpc import SimulatorServiceStub

TIMEOUT_SECONDS = 30.0


class PaymentSim:
    """A simulator that runs already, such as "http://localhost:8030"."""

    def __init__(self, url: str) -> None:
        channel = grpc.insecure_channel(urlsplit(url).netloc)
        self.simulator = SimulatorServiceStub(channel)
        self.payments = PaymentServiceStub(channel)

    def session(self) -> "Session":
        return Session(self)


class Session:
    """Payments and rules that no other test sees. Time stands still in it; the end of `with` empties it."""

    def __init__(self, sim: PaymentSim) -> None:
        self.name = f"test-{uuid4()}"
        # For calls to the code under test, which passes it on to the gateway.
        self.headers = {"baggage": f"payment-sim.session={self.name}"}
        self._metadata = (("payment-sim-session", self.name),)
        self._sim = sim

    def __enter__(self) -> Self:
        request = pb.UpdateSessionRequest(session=pb.Session(manual_clock=True))
        self._sim.simulator.UpdateSession(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        return self

    def __exit__(self, *_: object) -> None:
        request = pb.ResetSessionRequest()
        self._sim.simulator.ResetSession(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)

    def rule(self, simulation: SimulationOptions, *, times: int = 0) -> str:
        """From now on this happens to payments that are made: to the first `times` of them, or to all."""
        request = pb.CreateRuleRequest(rule=pb.Rule(simulation=simulation, times=times))
        answer = self._sim.simulator.CreateRule(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        return answer.rule.rule_id

    def matched(self, rule_id: str) -> int:
        """How many calls a rule has applied to."""
        request = pb.ListRulesRequest()
        answer = self._sim.simulator.ListRules(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        return next(rule.matched for rule in answer.rules if rule.rule_id == rule_id)

    def advance(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Moves the clock. When it returns, what fell due has happened, and webhooks were tried once."""
        by = Duration()
        by.FromTimedelta(timedelta(minutes=minutes, seconds=seconds))
        request = pb.AdvanceClockRequest(by=by)
        self._sim.simulator.AdvanceClock(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)

    def payments(self) -> Sequence[Payment]:
        """All payments of the session, the newest first."""
        request = ListPaymentsRequest()
        answer = self._sim.payments.ListPayments(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        return answer.payments

    def webhooks(self) -> Sequence[pb.Delivery]:
        """Webhooks with every attempt at them, those of a payment in the order of its events."""
        request = pb.ListDeliveriesRequest()
        answer = self._sim.simulator.ListDeliveries(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        return [delivery for delivery in answer.deliveries if delivery.channel == SIMULATED_CHANNEL_WEBHOOK]

    def await_webhooks(self, count: int) -> None:
        """Waits until so many webhooks were taken: for what happens without `advance`, such as a refund."""
        fits = pb.DeliveryFilter(channel=SIMULATED_CHANNEL_WEBHOOK, status=pb.DELIVERY_STATUS_DELIVERED)
        request = pb.AwaitRequest(condition=pb.AwaitCondition(deliveries=fits), min=count)
        answer = self._sim.simulator.Await(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata)
        assert answer.met, f"{answer.observed} webhooks were taken, not {count}: {answer.near_misses}"

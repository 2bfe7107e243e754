"""Orders, and what the events of their payments make of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import NotRequired, TypedDict
from uuid import uuid4


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REFUNDED = "REFUNDED"


STATUS_OF_PAYMENT = {
    "PAYMENT_STATUS_COMPLETED": OrderStatus.PAID,
    "PAYMENT_STATUS_FAILED": OrderStatus.FAILED,
    "PAYMENT_STATUS_CANCELLED": OrderStatus.FAILED,
    "PAYMENT_STATUS_EXPIRED": OrderStatus.EXPIRED,
    "PAYMENT_STATUS_REFUNDED": OrderStatus.REFUNDED,
}


class PaymentEvent(TypedDict):
    """The body of a webhook, as far as orders need it."""

    event_id: str
    sequence: int
    payment_id: str
    reservation_id: str
    status: str
    failure_code: NotRequired[str]
    refunded_amount: NotRequired[int]


class OrderJson(TypedDict):
    """An order as callers see it."""

    order_id: str
    status: OrderStatus
    failure_code: str | None
    refunded_amount: int
    events: int


@dataclass
class Order:
    order_id: str
    user_id: str
    amount: int
    payment_id: str = ""
    status: OrderStatus = OrderStatus.PENDING
    failure_code: str | None = None
    refunded_amount: int = 0
    last_sequence: int = 0
    handled_events: set[str] = field(default_factory=set)
    changes: int = 0

    def apply(self, event: PaymentEvent) -> None:
        """Changes the order as the event says, unless it is a repeat, or a newer one was handled."""
        if event["event_id"] in self.handled_events:
            return
        if event["sequence"] < self.last_sequence:
            return
        self.handled_events.add(event["event_id"])
        self.last_sequence = event["sequence"]
        self.changes += 1
        self.payment_id = event["payment_id"]
        self.status = STATUS_OF_PAYMENT[event["status"]]
        if self.status is OrderStatus.FAILED:
            self.failure_code = event.get("failure_code")
        self.refunded_amount = event.get("refunded_amount", self.refunded_amount)

    def as_json(self) -> OrderJson:
        return {
            "order_id": self.order_id,
            "status": self.status,
            "failure_code": self.failure_code,
            "refunded_amount": self.refunded_amount,
            "events": self.changes,
        }


class Orders:
    """All orders, in memory."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: dict[str, Order] = {}

    def add(self, user_id: str, amount: int) -> Order:
        order = Order(order_id=f"order-{uuid4()}", user_id=user_id, amount=amount)
        with self._lock:
            self._orders[order.order_id] = order
        return order

    def find(self, order_id: str) -> Order | None:
        with self._lock:
            return self._orders.get(order_id)

    def set_payment(self, order: Order, payment_id: str) -> None:
        with self._lock:
            order.payment_id = payment_id

    def handle(self, event: PaymentEvent) -> bool:
        """Whether there is an order that the event is about."""
        with self._lock:
            order = self._orders.get(event["reservation_id"])
            if order is not None:
                order.apply(event)
            return order is not None

    def read(self, order: Order) -> OrderJson:
        with self._lock:
            return order.as_json()

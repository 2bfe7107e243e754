"""The payment gateway, as the order service sees it."""

import json

import grpc
from common.v1.money_pb2 import Money
from payment.v1.payment_pb2 import CancelPaymentRequest, CreatePaymentIntentRequest
from payment.v1.payment_pb2_grpc import PaymentServiceStub

from order_service.orders import Order

# For a whole call, with all its attempts.
DEADLINE_SECONDS = 5.0

# gRPC tries again by itself. Safe, because every call has an idempotency key.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "payment.v1.PaymentService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.05s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


class Gateway:
    """Calls the gateway. Failures are raised as grpc.RpcError."""

    def __init__(self, target: str) -> None:
        options = [("grpc.service_config", json.dumps(SERVICE_CONFIG))]
        self._payments = PaymentServiceStub(grpc.insecure_channel(target, options))

    def create_payment(self, order: Order, webhook_url: str, baggage: str) -> str:
        """Asks for the money of an order, and returns the id of the payment."""
        request = CreatePaymentIntentRequest(
            reservation_id=order.order_id,
            user_id=order.user_id,
            amount=Money(amount=order.amount, currency="KRW"),
            webhook_url=webhook_url,
            idempotency_key=order.order_id,
        )
        answer = self._payments.CreatePaymentIntent(request, timeout=DEADLINE_SECONDS, metadata=_metadata(baggage))
        return answer.payment_intent_id

    def refund(self, order: Order, baggage: str) -> None:
        """Gives all the money of an order back. A webhook tells when that is done."""
        request = CancelPaymentRequest(
            payment_intent_id=order.payment_id,
            refund_amount=Money(amount=order.amount, currency="KRW"),
            idempotency_key=f"refund-{order.order_id}",
        )
        self._payments.CancelPayment(request, timeout=DEADLINE_SECONDS, metadata=_metadata(baggage))


def _metadata(baggage: str) -> tuple[tuple[str, str], ...]:
    # What the caller sent as baggage goes with the calls that are made for it. In a service with OpenTelemetry
    # nothing has to be written for that: its propagation does it.
    can_be_sent = baggage != "" and baggage.isascii() and baggage.isprintable()
    return (("baggage", baggage),) if can_be_sent else ()

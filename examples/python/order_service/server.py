"""The order service's HTTP interface."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from standardwebhooks import Webhook, WebhookVerificationError

from order_service.gateway import Gateway
from order_service.orders import Orders, PaymentEvent

MAX_BODY_BYTES = 64 * 1024
MAX_AMOUNT = 2**53 - 1

# What callers are told when the gateway does not do what it was asked for; everything else is BAD_GATEWAY.
HTTP_STATUS = {
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
}

Answer = tuple[HTTPStatus, Mapping[str, object] | None]


class OrderServer(ThreadingHTTPServer):
    """Serves orders. Port 0 lets the system choose one; `url` has it."""

    def __init__(self, host: str, port: int, gateway: Gateway, webhook_secret: str, public_url: str = "") -> None:
        super().__init__((host, port), OrderHandler)
        self.orders = Orders()
        self.gateway = gateway
        # A secret that begins with whsec_ is base64; the library takes any other one as bytes.
        self.webhook = Webhook(webhook_secret if webhook_secret.startswith("whsec_") else webhook_secret.encode())
        self.url = public_url or f"http://{host}:{self.server_port}"
        self.webhook_url = f"{self.url}/webhooks/payments"


class OrderHandler(BaseHTTPRequestHandler):
    server: OrderServer

    def do_GET(self) -> None:
        match self.path.split("/"):
            case ["", "orders", order_id]:
                self.answer(self.read_order(order_id))
            case _:
                self.answer(not_found())

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.answer((HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None))
            return
        body = self.rfile.read(int(length))
        match self.path.split("/"):
            case ["", "orders"]:
                self.answer(self.place_order(body))
            case ["", "orders", order_id, "refund"]:
                self.answer(self.refund_order(order_id))
            case ["", "webhooks", "payments"]:
                self.answer(self.receive_webhook(body))
            case _:
                self.answer(not_found())

    def place_order(self, body: bytes) -> Answer:
        try:
            user_id, amount = parse_order(body)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}
        # The order is there before the gateway is asked: the webhook may come before the answer.
        order = self.server.orders.add(user_id, amount)
        try:
            payment_id = self.server.gateway.create_payment(order, self.server.webhook_url, self.baggage())
        except grpc.RpcError as error:
            # The order stays: the gateway may have made the payment all the same, and tells so by webhook.
            return gateway_failed(error, order.order_id)
        self.server.orders.set_payment(order, payment_id)
        return HTTPStatus.CREATED, self.server.orders.read(order)

    def refund_order(self, order_id: str) -> Answer:
        order = self.server.orders.find(order_id)
        if order is None:
            return not_found()
        if not order.payment_id:
            return HTTPStatus.CONFLICT, {"error": "there is no payment yet"}
        try:
            self.server.gateway.refund(order, self.baggage())
        except grpc.RpcError as error:
            return gateway_failed(error, order_id)
        # Its webhook makes the order REFUNDED. Events alone change orders: their sequence says which is the newest.
        return HTTPStatus.ACCEPTED, self.server.orders.read(order)

    def read_order(self, order_id: str) -> Answer:
        order = self.server.orders.find(order_id)
        return not_found() if order is None else (HTTPStatus.OK, self.server.orders.read(order))

    def receive_webhook(self, body: bytes) -> Answer:
        try:
            event: PaymentEvent = self.server.webhook.verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError):  # ValueError: a header is malformed
            return HTTPStatus.UNAUTHORIZED, {"error": "the signature is not right"}
        return (HTTPStatus.NO_CONTENT, None) if self.server.orders.handle(event) else not_found()

    def baggage(self) -> str:
        return ",".join(self.headers.get_all("baggage", []))

    def answer(self, answer: Answer) -> None:
        status, content = answer
        self.send_response(status)
        if content is not None:
            self.send_header("content-type", "application/json")
        self.end_headers()
        if content is not None:
            self.wfile.write(json.dumps(content).encode())


def parse_order(body: bytes) -> tuple[str, int]:
    order = json.loads(body)
    if not isinstance(order, dict):
        raise ValueError("an order is an object")
    user_id, amount = order.get("user_id"), order.get("amount")
    if not isinstance(user_id, str) or not user_id:
        raise ValueError("user_id is required")
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise ValueError("amount is required, in won")
    return user_id, amount


def not_found() -> Answer:
    return HTTPStatus.NOT_FOUND, {"error": "not found"}


def gateway_failed(error: grpc.RpcError, order_id: str) -> Answer:
    status = HTTP_STATUS.get(error.code(), HTTPStatus.BAD_GATEWAY)
    return status, {"error": f"the payment gateway: {error.details()}", "order_id": order_id}

"""What grpcio sees of the platform's contract, whose stubs cannot be in one process with those of the other."""

import time

import grpc
from common.v1 import types_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from payment.v1 import payment_pb2, payment_pb2_grpc
from service import Service, free_port


def test_the_platforms_contract() -> None:
    port = free_port()
    service = Service(free_port(), PLATFORM_GRPC_PORT=str(port))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            client = payment_pb2_grpc.PaymentServiceStub(channel)
            refused_by(client)
            for scenario, status in (
                (payment_pb2.PAYMENT_SCENARIO_APPROVE, payment_pb2.PAYMENT_STATUS_COMPLETED),
                (payment_pb2.PAYMENT_SCENARIO_FAIL, payment_pb2.PAYMENT_STATUS_FAILED),
            ):
                settles(client, scenario, status)
    finally:
        service.kill()


def refused_by(client: payment_pb2_grpc.PaymentServiceStub) -> None:
    try:
        client.CreatePaymentIntent(payment_pb2.CreatePaymentIntentRequest(reservation_id="r"), timeout=10)
        raise AssertionError("it is not refused")
    except grpc.RpcError as error:
        details = error_details_pb2.BadRequest()
        assert rpc_status.from_call(error).details[0].Unpack(details)
        assert [violation.field for violation in details.field_violations] == ["user_id", "amount"]


def settles(client: payment_pb2_grpc.PaymentServiceStub, scenario: int, status: int) -> None:
    created = client.CreatePaymentIntent(
        payment_pb2.CreatePaymentIntentRequest(
            reservation_id="reservation-1",
            user_id="user-1",
            amount=types_pb2.Money(amount=120000, currency="KRW"),
            scenario=scenario,
        ),
        timeout=10,
    )
    assert created.status == payment_pb2.PAYMENT_STATUS_PENDING
    request = payment_pb2.GetPaymentStatusRequest(payment_intent_id=created.payment_intent_id)
    until = time.monotonic() + 20
    while client.GetPaymentStatus(request, timeout=10).payment.status != status:
        assert time.monotonic() < until
        time.sleep(0.02)

"""What grpcio, and so C-core, sees of the service."""

import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from common.v1 import money_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from payment.v1 import payment_pb2, payment_pb2_grpc
from service import Service, free_port


@pytest.fixture
def services() -> Iterator[list[Service]]:
    started: list[Service] = []
    yield started
    for service in started:
        service.kill()


def start(services: list[Service], port: int | None = None) -> Service:
    service = Service(port or free_port())
    services.append(service)
    return service


def order(scenario: int = 0) -> payment_pb2.CreatePaymentIntentRequest:
    return payment_pb2.CreatePaymentIntentRequest(
        reservation_id="reservation-1",
        user_id="user-1",
        amount=money_pb2.Money(amount=120000, currency="KRW"),
        scenario=scenario,
    )


def code_of(call: object, *args: object, **options: object) -> grpc.StatusCode:
    try:
        call(*args, **options)  # type: ignore[operator]
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


LATE = (("payment-sim-behavior", '{"api": {"delay_ms": 20000}}'),)


@pytest.mark.parametrize(
    ("scenario", "status"),
    [
        (payment_pb2.PAYMENT_SCENARIO_APPROVE, payment_pb2.PAYMENT_STATUS_COMPLETED),
        (payment_pb2.PAYMENT_SCENARIO_FAIL, payment_pb2.PAYMENT_STATUS_FAILED),
    ],
)
def test_both_outcomes(services: list[Service], scenario: int, status: int) -> None:
    with grpc.insecure_channel(start(services).address, compression=grpc.Compression.Gzip) as channel:
        client = payment_pb2_grpc.PaymentServiceStub(channel)
        created = client.CreatePaymentIntent(order(scenario), timeout=10)
        assert created.status == payment_pb2.PAYMENT_STATUS_PENDING
        request = payment_pb2.GetPaymentStatusRequest(payment_intent_id=created.payment_intent_id)
        until = time.monotonic() + 20
        while client.GetPaymentStatus(request, timeout=10).payment.status != status:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_refusals_have_their_details(services: list[Service]) -> None:
    with grpc.insecure_channel(start(services).address) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            payment_pb2_grpc.PaymentServiceStub(channel).CreatePaymentIntent(
                payment_pb2.CreatePaymentIntentRequest(reservation_id="r"), timeout=10
            )
        status = rpc_status.from_call(refused.value)
        assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        details = error_details_pb2.BadRequest()
        assert status.details[0].Unpack(details)
        assert [violation.field for violation in details.field_violations] == ["user_id", "amount"]


@pytest.mark.parametrize("method", ["/payment.v1.PaymentService/Pay", "/payment.v9.PaymentService/Pay", "/a/b"])
def test_what_does_not_exist_is_unimplemented(services: list[Service], method: str) -> None:
    with grpc.insecure_channel(start(services).address) as channel:
        assert code_of(channel.unary_unary(method), b"", timeout=10) == grpc.StatusCode.UNIMPLEMENTED
        stream = channel.stream_stream(method)
        assert code_of(lambda: list(stream(iter([b""]), timeout=10))) == grpc.StatusCode.UNIMPLEMENTED


def test_deadlines_and_cancels_reach_the_service(services: list[Service]) -> None:
    with grpc.insecure_channel(start(services).address) as channel:
        client = payment_pb2_grpc.PaymentServiceStub(channel)
        late = code_of(client.CreatePaymentIntent, order(), timeout=0.2, metadata=LATE)
        assert late == grpc.StatusCode.DEADLINE_EXCEEDED
        call = client.CreatePaymentIntent.future(order(), timeout=10, metadata=LATE)
        threading.Timer(0.1, call.cancel).start()
        with pytest.raises(grpc.FutureCancelledError):
            call.result()
        assert not client.ListPayments(payment_pb2.ListPaymentsRequest(user_id="user-1"), timeout=10).payments


def test_keepalive_without_calls_keeps_the_connection(services: list[Service]) -> None:
    options = [
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    states: list[grpc.ChannelConnectivity] = []
    with grpc.insecure_channel(start(services).address, options=options) as channel:
        payment_pb2_grpc.PaymentServiceStub(channel).CreatePaymentIntent(order(), timeout=10)
        channel.subscribe(states.append)
        left = threading.Event()
        channel.subscribe(lambda state: state != grpc.ChannelConnectivity.READY and left.set())
        assert not left.wait(25), states


def test_a_call_waits_for_the_service_to_come_back(services: list[Service]) -> None:
    port = free_port()
    first = start(services, port)
    with grpc.insecure_channel(first.address, options=[("grpc.max_reconnect_backoff_ms", 1_000)]) as channel:
        client = payment_pb2_grpc.PaymentServiceStub(channel)
        client.CreatePaymentIntent(order(), timeout=10)
        first.stop()
        assert code_of(client.CreatePaymentIntent, order(), timeout=10) == grpc.StatusCode.UNAVAILABLE
        waiting = client.CreatePaymentIntent.future(order(), timeout=40, wait_for_ready=True)
        start(services, port)
        assert waiting.result().payment_intent_id


def test_calls_in_flight_end_with_an_orderly_stop(services: list[Service]) -> None:
    service = start(services)
    slow = (("payment-sim-behavior", '{"api": {"delay_ms": 1500}}'),)
    with grpc.insecure_channel(service.address) as channel:
        client = payment_pb2_grpc.PaymentServiceStub(channel)
        calls = [client.CreatePaymentIntent.future(order(), timeout=20, metadata=slow) for _ in range(20)]
        time.sleep(0.5)
        service.terminate()
        assert all(call.result().payment_intent_id for call in calls)


def test_a_watch_of_health_that_runs_out_is_no_error(services: list[Service]) -> None:
    service = start(services)
    with grpc.insecure_channel(service.address) as channel:
        request = health_pb2.HealthCheckRequest(service="readiness")
        watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=0.7)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        assert code_of(lambda: list(watch)) == grpc.StatusCode.DEADLINE_EXCEEDED
    service.stop()
    assert [line for line in service.lines if line["level"] != "info"] == []


def test_reflection_names_the_services(services: list[Service]) -> None:
    with grpc.insecure_channel(start(services).address) as channel:
        requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(requests, timeout=10)
        names = {service.name for service in next(answers).list_services_response.service}
        assert {"payment.v1.PaymentService", "grpc.health.v1.Health"} <= names

from google.rpc import code_pb2
from payment.v1.payment_pb2 import (
    SIMULATED_ERROR_TIME_AFTER,
    SIMULATED_OUTCOME_DECLINE,
    SIMULATED_OUTCOME_EXPIRE,
    SIMULATED_SIGNATURE_WRONG_SECRET,
    SimulatedApi,
    SimulatedDelivery,
    SimulationOptions,
)
from simulator.v1.simulator_pb2 import DELIVERY_STATUS_SIMULATED

from tests.orders_client import OrdersClient
from tests.payment_sim import PaymentSim, Session


def test_order_is_paid_when_its_payment_completes(session: Session, orders: OrdersClient) -> None:
    order = orders.place()
    assert order["status"] == "PENDING"

    session.advance(seconds=1.999)
    assert orders.read(order)["status"] == "PENDING"

    session.advance(seconds=0.001)
    assert orders.read(order)["status"] == "PAID"


def test_declined_payment_fails_the_order_with_its_reason(session: Session, orders: OrdersClient) -> None:
    session.rule(SimulationOptions(failure_code="insufficient_funds"))

    order = orders.place()
    session.advance(seconds=2)

    order = orders.read(order)
    assert (order["status"], order["failure_code"]) == ("FAILED", "insufficient_funds")


def test_order_is_placed_though_the_gateway_is_down_twice(session: Session, orders: OrdersClient) -> None:
    down = session.rule(SimulationOptions(api=SimulatedApi(code=code_pb2.UNAVAILABLE)), times=2)

    order = orders.place()
    session.advance(seconds=2)

    assert session.matched(down) == 2
    assert orders.read(order)["status"] == "PAID"


def test_lost_reply_makes_no_second_payment(session: Session, orders: OrdersClient) -> None:
    reply_lost = SimulatedApi(code=code_pb2.UNAVAILABLE, when=SIMULATED_ERROR_TIME_AFTER)
    session.rule(SimulationOptions(api=reply_lost), times=1)

    order = orders.place()

    assert [payment.reservation_id for payment in session.payments()] == [order["order_id"]]


def test_duplicate_webhook_changes_the_order_once(session: Session, orders: OrdersClient) -> None:
    session.rule(SimulationOptions(delivery=SimulatedDelivery(copies=2)))

    order = orders.place()
    session.advance(seconds=2)

    [webhook] = session.webhooks()
    assert [attempt.status_code for attempt in webhook.attempts] == [204, 204]
    order = orders.read(order)
    assert (order["status"], order["events"]) == ("PAID", 1)


def test_payment_told_after_its_refund_leaves_the_order_refunded(session: Session, orders: OrdersClient) -> None:
    session.rule(SimulationOptions(delivery=SimulatedDelivery(hold_until_next_event=True)))

    order = orders.place()
    session.advance(seconds=2)
    assert orders.read(order)["status"] == "PENDING"

    orders.refund(order)
    session.await_webhooks(2)

    order = orders.read(order)
    assert (order["status"], order["events"]) == ("REFUNDED", 1)


def test_refund_gives_all_the_money_back(session: Session, orders: OrdersClient) -> None:
    order = orders.place(amount=120_000)
    session.advance(seconds=2)
    assert orders.read(order)["status"] == "PAID"

    orders.refund(order)
    session.await_webhooks(2)

    order = orders.read(order)
    assert (order["status"], order["refunded_amount"]) == ("REFUNDED", 120_000)
    [payment] = session.payments()
    assert payment.refunded_amount.amount == 120_000


def test_half_an_hour_until_expiry_takes_no_time(session: Session, orders: OrdersClient) -> None:
    half_an_hour_ms = 30 * 60 * 1000
    session.rule(SimulationOptions(outcome=SIMULATED_OUTCOME_EXPIRE, delay_ms=half_an_hour_ms))

    order = orders.place()
    session.advance(minutes=29)
    assert orders.read(order)["status"] == "PENDING"

    session.advance(minutes=1)
    assert orders.read(order)["status"] == "EXPIRED"


def test_what_one_session_declines_another_takes(
    payment_sim: PaymentSim, order_service_url: str, session: Session, orders: OrdersClient
) -> None:
    with payment_sim.session() as declining:
        declining.rule(SimulationOptions(outcome=SIMULATED_OUTCOME_DECLINE))
        declined_orders = OrdersClient(order_service_url, declining.headers)

        order, declined_order = orders.place(), declined_orders.place()
        session.advance(seconds=2)
        declining.advance(seconds=2)

        assert orders.read(order)["status"] == "PAID"
        assert declined_orders.read(declined_order)["status"] == "FAILED"


def test_forged_webhook_is_refused_and_changes_nothing(session: Session, orders: OrdersClient) -> None:
    session.rule(SimulationOptions(delivery=SimulatedDelivery(signature=SIMULATED_SIGNATURE_WRONG_SECRET)))

    order = orders.place()
    session.advance(seconds=2)

    [webhook] = session.webhooks()
    assert webhook.status == DELIVERY_STATUS_SIMULATED
    assert [attempt.status_code for attempt in webhook.attempts] == [401]
    order = orders.read(order)
    assert (order["status"], order["events"]) == ("PENDING", 0)

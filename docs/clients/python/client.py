"""Creates a payment, asks for it, settles it, and reads a refusal. Usage: client.py [host:port]"""
import sys

import grpc
from common.v1.money_pb2 import Money
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from payment.v1 import payment_pb2 as pb
from payment.v1.payment_pb2_grpc import PaymentServiceStub

target = sys.argv[1] if len(sys.argv) > 1 else "localhost:8030"
client = PaymentServiceStub(grpc.insecure_channel(target))

created = client.CreatePaymentIntent(
    pb.CreatePaymentIntentRequest(
        reservation_id="reservation-1",
        user_id="user-1",
        amount=Money(amount=120000, currency="KRW"),
        scenario=pb.PAYMENT_SCENARIO_APPROVE,
    ),
    metadata=[("x-request-id", "python-1")],
    timeout=5,
)
print("created  ", created.payment_intent_id, pb.PaymentStatus.Name(created.status))

found = client.GetPaymentStatus(
    pb.GetPaymentStatusRequest(payment_intent_id=created.payment_intent_id), timeout=5
)
print("status   ", pb.PaymentStatus.Name(found.payment.status))

processed = client.ProcessPayment(
    pb.ProcessPaymentRequest(payment_intent_id=created.payment_intent_id), timeout=5
)
print("processed", pb.PaymentStatus.Name(processed.status), processed.transaction_id)

try:
    client.CreatePaymentIntent(pb.CreatePaymentIntentRequest(reservation_id="reservation-1"), timeout=5)
except grpc.RpcError as error:
    print("refused  ", error.code().name)
    for name, value in error.trailing_metadata():
        if name == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                bad_request = BadRequest()
                if detail.Unpack(bad_request):
                    for violation in bad_request.field_violations:
                        print(f"  {violation.field}: {violation.description}")

// Creates a payment, reads it, settles it, and shows what a wrong request is answered.
import com.google.rpc.BadRequest
import com.traffic_tacos.common.v1.Money
import com.traffic_tacos.payment.v1.CreatePaymentIntentRequest
import com.traffic_tacos.payment.v1.GetPaymentStatusRequest
import com.traffic_tacos.payment.v1.PaymentScenario
import com.traffic_tacos.payment.v1.PaymentServiceGrpc
import com.traffic_tacos.payment.v1.ProcessPaymentRequest
import io.grpc.ManagedChannelBuilder
import io.grpc.StatusRuntimeException
import io.grpc.protobuf.StatusProto
import java.util.concurrent.TimeUnit

fun main(args: Array<String>) {
    val target = args.firstOrNull() ?: "localhost:8030"
    val channel = ManagedChannelBuilder.forTarget(target).usePlaintext().build()
    val client = PaymentServiceGrpc.newBlockingStub(channel).withDeadlineAfter(5, TimeUnit.SECONDS)

    val created = client.createPaymentIntent(
        CreatePaymentIntentRequest.newBuilder()
            .setReservationId("reservation-1")
            .setUserId("user-1")
            .setAmount(Money.newBuilder().setAmount(120_000).setCurrency("KRW"))
            .setScenario(PaymentScenario.PAYMENT_SCENARIO_APPROVE)
            .build()
    )
    println("created   ${created.paymentIntentId} ${created.status}")

    val found = client.getPaymentStatus(
        GetPaymentStatusRequest.newBuilder()
            .setPaymentIntentId(created.paymentIntentId)
            .setUserId("user-1")
            .build()
    )
    println("status    ${found.payment.status}")

    val processed = client.processPayment(
        ProcessPaymentRequest.newBuilder().setPaymentIntentId(created.paymentIntentId).build()
    )
    println("processed ${processed.status} ${processed.transactionId}")

    try {
        client.createPaymentIntent(
            CreatePaymentIntentRequest.newBuilder().setReservationId("reservation-1").build()
        )
    } catch (e: StatusRuntimeException) {
        println("refused   ${e.status.code}")
        for (detail in StatusProto.fromThrowable(e)!!.detailsList) {
            if (detail.`is`(BadRequest::class.java)) {
                for (violation in detail.unpack(BadRequest::class.java).fieldViolationsList) {
                    println("  ${violation.field}: ${violation.description}")
                }
            }
        }
    }
    channel.shutdown().awaitTermination(5, TimeUnit.SECONDS)
}

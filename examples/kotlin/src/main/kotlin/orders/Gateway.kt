package orders

import com.traffic_tacos.common.v1.Money
import com.traffic_tacos.common.v1.money
import com.traffic_tacos.payment.v1.PaymentServiceGrpcKt.PaymentServiceCoroutineStub
import com.traffic_tacos.payment.v1.cancelPaymentRequest
import com.traffic_tacos.payment.v1.createPaymentIntentRequest
import io.grpc.ManagedChannelBuilder
import io.grpc.Metadata
import java.util.concurrent.TimeUnit

/** For a whole call, with all its attempts. */
private const val DEADLINE_SECONDS = 5L

/** gRPC tries again by itself. Safe, because every call has an idempotency key. */
private val serviceConfig = mapOf(
    "methodConfig" to listOf(
        mapOf(
            "name" to listOf(mapOf("service" to "payment.v1.PaymentService")),
            "retryPolicy" to mapOf(
                "maxAttempts" to 4.0,
                "initialBackoff" to "0.02s",
                "maxBackoff" to "0.05s",
                "backoffMultiplier" to 2.0,
                "retryableStatusCodes" to listOf("UNAVAILABLE"),
            ),
        ),
    ),
)

private val baggageKey = Metadata.Key.of("baggage", Metadata.ASCII_STRING_MARSHALLER)

/** The payment gateway at a target such as `localhost:8030`, as the order service sees it. */
class Gateway(target: String) : AutoCloseable {
    private val channel = ManagedChannelBuilder.forTarget(target)
        .usePlaintext()
        .defaultServiceConfig(serviceConfig)
        .enableRetry()
        .build()

    private val payments = PaymentServiceCoroutineStub(channel)

    /** Asks for the money of an order, and gives back the id of the payment. */
    suspend fun createPayment(order: Order, webhookUrl: String, baggage: String?): String {
        val request = createPaymentIntentRequest {
            reservationId = order.id
            userId = order.userId
            amount = won(order.amount)
            this.webhookUrl = webhookUrl
            idempotencyKey = order.id
        }
        return stub().createPaymentIntent(request, headersOf(baggage)).paymentIntentId
    }

    /** Gives all the money of an order back. A webhook tells when that is done. */
    suspend fun refund(order: Order, baggage: String?) {
        val request = cancelPaymentRequest {
            paymentIntentId = order.paymentId
            refundAmount = won(order.amount)
            idempotencyKey = "refund-${order.id}"
        }
        stub().cancelPayment(request, headersOf(baggage))
    }

    override fun close() {
        channel.shutdown()
    }

    private fun stub() = payments.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
}

private fun won(minorUnits: Long): Money = money {
    amount = minorUnits
    currency = "KRW"
}

/**
 * What the caller sent as baggage goes with the calls that are made for it. In a service with OpenTelemetry nothing has
 * to be written for that: its propagation does it.
 */
private fun headersOf(baggage: String?) = Metadata().apply {
    if (baggage != null) {
        put(baggageKey, baggage)
    }
}

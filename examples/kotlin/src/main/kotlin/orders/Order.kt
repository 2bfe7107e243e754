package orders

import com.fasterxml.jackson.annotation.JsonIgnore
import com.fasterxml.jackson.annotation.JsonIgnoreProperties
import com.fasterxml.jackson.annotation.JsonProperty
import java.util.concurrent.ConcurrentHashMap

enum class OrderStatus { PENDING, PAID, FAILED, EXPIRED, REFUNDED }

/** What the gateway says of a payment, in the words of an order. */
private val statusOfPayment = mapOf(
    "PAYMENT_STATUS_COMPLETED" to OrderStatus.PAID,
    "PAYMENT_STATUS_FAILED" to OrderStatus.FAILED,
    "PAYMENT_STATUS_CANCELLED" to OrderStatus.FAILED,
    "PAYMENT_STATUS_EXPIRED" to OrderStatus.EXPIRED,
    "PAYMENT_STATUS_REFUNDED" to OrderStatus.REFUNDED,
)

/** An order as it stands; a change makes another one. */
data class Order(
    @param:JsonProperty("order_id") @get:JsonProperty("order_id") val id: String,
    @param:JsonProperty("user_id") @get:JsonProperty("user_id") val userId: String,
    val amount: Long,
    val status: OrderStatus = OrderStatus.PENDING,
    @param:JsonProperty("failure_code") @get:JsonProperty("failure_code") val failureCode: String? = null,
    @param:JsonProperty("refunded_amount") @get:JsonProperty("refunded_amount") val refundedAmount: Long = 0,
    /** How many events have changed it. */
    val events: Int = 0,
    @get:JsonIgnore val paymentId: String = "",
    @get:JsonIgnore val lastSequence: Int = 0,
    @get:JsonIgnore val handled: Set<String> = emptySet(),
) {
    /** As the event says, unless it is a repeat or a newer one was handled. */
    fun after(event: PaymentEvent): Order =
        if (event.id in handled || event.sequence < lastSequence) {
            this
        } else {
            copy(
                paymentId = event.paymentId,
                status = statusOfPayment.getValue(event.status),
                failureCode = event.failureCode,
                refundedAmount = event.refundedAmount,
                events = events + 1,
                lastSequence = event.sequence,
                handled = handled + event.id,
            )
        }
}

/** The body of a webhook, as far as orders need it. */
@JsonIgnoreProperties(ignoreUnknown = true)
data class PaymentEvent(
    @param:JsonProperty("event_id") val id: String,
    val sequence: Int,
    @param:JsonProperty("payment_id") val paymentId: String,
    @param:JsonProperty("reservation_id") val reservationId: String,
    val status: String,
    @param:JsonProperty("failure_code") val failureCode: String? = null,
    @param:JsonProperty("refunded_amount") val refundedAmount: Long = 0,
)

/** All orders, in memory. */
class Orders {
    private val orders = ConcurrentHashMap<String, Order>()

    fun add(order: Order) {
        orders[order.id] = order
    }

    fun find(id: String): Order? = orders[id]

    /** The order as it is then; null when there is none. */
    fun change(id: String, change: (Order) -> Order): Order? = orders.computeIfPresent(id) { _, order -> change(order) }
}

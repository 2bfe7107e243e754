package orders

import com.fasterxml.jackson.annotation.JsonProperty
import com.fasterxml.jackson.core.JacksonException
import com.fasterxml.jackson.module.kotlin.jacksonObjectMapper
import com.fasterxml.jackson.module.kotlin.readValue
import com.standardwebhooks.Webhook
import com.standardwebhooks.exceptions.WebhookVerificationException
import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import io.grpc.Status
import io.grpc.StatusException
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.util.Base64
import java.util.UUID
import java.util.concurrent.Executors

const val WEBHOOK_PATH = "/webhooks/payments"
private const val MAX_BODY_BYTES = 64 * 1024
private val json = jacksonObjectMapper()

private data class Wanted(@param:JsonProperty("user_id") val userId: String, val amount: Long)

private class Answer(val status: Int, val content: Any? = null)

/** Takes orders by HTTP, and has them paid. Port 0 lets the system choose one: [url] has it. */
class OrderService(private val gateway: Gateway, secret: String, host: String = "127.0.0.1", port: Int = 0) : AutoCloseable {
    private val orders = Orders()
    private val executor = Executors.newCachedThreadPool()
    private val server = HttpServer.create(InetSocketAddress(host, port), 0)

    /** The library takes base64 alone. */
    private val webhook = Webhook(
        if (secret.startsWith("whsec_")) secret else Base64.getEncoder().encodeToString(secret.toByteArray()),
    )

    val url = "http://$host:${server.address.port}"

    init {
        server.executor = executor
        server.createContext("/") { exchange -> exchange.use { it.send(answerOrFail(it)) } }
        server.start()
    }

    override fun close() {
        server.stop(0)
        executor.shutdown()
    }

    /** The JDK's server hangs up without a word when a handler throws. */
    private fun answerOrFail(exchange: HttpExchange): Answer = try {
        answer(exchange)
    } catch (e: Exception) {
        System.err.println(e.stackTraceToString())
        Answer(500)
    }

    private fun answer(exchange: HttpExchange): Answer {
        val path = exchange.requestURI.path.split('/').drop(1)
        val baggage = exchange.requestHeaders.getFirst("baggage")
        return when {
            exchange.isA("POST") && path == listOf("orders") -> place(exchange.body(), baggage)
            exchange.isA("GET") && path.size == 2 && path[0] == "orders" -> read(path[1])
            exchange.isA("POST") && path.size == 3 && path[0] == "orders" && path[2] == "refund" -> refund(path[1], baggage)
            exchange.isA("POST") && exchange.requestURI.path == WEBHOOK_PATH -> receive(exchange)
            else -> Answer(404)
        }
    }

    private fun place(body: ByteArray, baggage: String?): Answer {
        val wanted = try {
            json.readValue<Wanted>(body)
        } catch (_: JacksonException) {
            null
        }
        if (wanted == null || wanted.userId.isEmpty() || wanted.amount <= 0) {
            return Answer(400, failure("""an order is {"user_id": "user-1", "amount": 120000}"""))
        }
        val order = Order("order-${UUID.randomUUID()}", wanted.userId, wanted.amount)
        // The order is there before the gateway is asked: the webhook may come before the answer.
        orders.add(order)
        return try {
            val paymentId = runBlocking { gateway.createPayment(order, url + WEBHOOK_PATH, baggage) }
            Answer(201, orders.change(order.id) { it.copy(paymentId = paymentId) })
        } catch (e: StatusException) {
            // The order stays: the gateway may have made the payment all the same, and tells so by webhook.
            gatewayFailed(e, order)
        }
    }

    private fun read(id: String) = orders.find(id)?.let { Answer(200, it) } ?: Answer(404)

    private fun refund(id: String, baggage: String?): Answer {
        val order = orders.find(id) ?: return Answer(404)
        return try {
            runBlocking { gateway.refund(order, baggage) }
            // Its webhook makes the order REFUNDED. Events alone change orders: their sequence says which is the newest.
            Answer(202, order)
        } catch (e: StatusException) {
            gatewayFailed(e, order)
        }
    }

    private fun receive(exchange: HttpExchange): Answer {
        val body = exchange.body()
        val headers = exchange.requestHeaders.mapKeys { (name) -> name.lowercase() }
        try {
            webhook.verify(body.toString(Charsets.UTF_8), headers)
        } catch (_: WebhookVerificationException) {
            return Answer(401)
        }
        val event = json.readValue<PaymentEvent>(body)
        return if (orders.change(event.reservationId) { it.after(event) } == null) Answer(404) else Answer(204)
    }

    private fun gatewayFailed(e: StatusException, order: Order): Answer {
        val status = when (e.status.code) {
            Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED -> 503
            Status.Code.INVALID_ARGUMENT -> 400
            Status.Code.FAILED_PRECONDITION -> 409
            else -> 502
        }
        return Answer(status, failure("the payment gateway: ${e.status.description}") + ("order_id" to order.id))
    }
}

private fun failure(text: String) = mapOf("error" to text)

private fun HttpExchange.isA(method: String) = requestMethod == method

private fun HttpExchange.body(): ByteArray = requestBody.readNBytes(MAX_BODY_BYTES)

private fun HttpExchange.send(answer: Answer) {
    val bytes = answer.content?.let(json::writeValueAsBytes)
    if (bytes != null) {
        responseHeaders["content-type"] = "application/json"
    }
    sendResponseHeaders(answer.status, bytes?.size?.toLong() ?: -1)
    if (bytes != null) {
        responseBody.write(bytes)
    }
}

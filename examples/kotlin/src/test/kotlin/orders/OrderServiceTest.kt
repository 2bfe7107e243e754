package orders

import com.fasterxml.jackson.module.kotlin.jacksonObjectMapper
import com.fasterxml.jackson.module.kotlin.readValue
import com.google.rpc.Code
import com.traffic_tacos.payment.v1.SimulatedErrorTime
import com.traffic_tacos.payment.v1.SimulatedOutcome
import com.traffic_tacos.payment.v1.SimulatedSignature
import com.traffic_tacos.payment.v1.simulatedApi
import com.traffic_tacos.payment.v1.simulatedDelivery
import com.traffic_tacos.payment.v1.simulationOptions
import com.traffic_tacos.simulator.v1.DeliveryStatus
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.parallel.Execution
import org.junit.jupiter.api.parallel.ExecutionMode
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/**
 * One service for all tests, as in production. JUnit runs tests that share an instance one after another,
 * whatever junit-platform.properties says, unless their class is marked as here.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Execution(ExecutionMode.CONCURRENT)
class OrderServiceTest {
    private val gateway = Gateway(PaymentSim.target)
    private val service = OrderService(gateway, "payment-sim-dev-secret")
    private val http = HttpClient.newHttpClient()
    private val json = jacksonObjectMapper()

    @AfterAll
    fun stop() {
        service.close()
        gateway.close()
    }

    @Test
    fun `the order is paid when its payment completes`() = test { sim ->
        val order = place(sim)
        assertEquals(OrderStatus.PENDING, order.status)
        sim.advance(1_999.milliseconds)
        assertEquals(OrderStatus.PENDING, read(order).status)
        sim.advance(1.milliseconds)
        assertEquals(OrderStatus.PAID, read(order).status)
    }

    @Test
    fun `a declined payment fails the order with its reason`() = test { sim ->
        sim.rule(simulationOptions { failureCode = "insufficient_funds" })
        val order = place(sim)
        sim.advance(2.seconds)
        val failed = read(order)
        assertEquals(OrderStatus.FAILED to "insufficient_funds", failed.status to failed.failureCode)
    }

    @Test
    fun `the order is placed though the gateway is down twice`() = test { sim ->
        val down = sim.rule(simulationOptions { api = simulatedApi { code = Code.UNAVAILABLE } }, times = 2)
        val order = place(sim)
        sim.advance(2.seconds)
        assertEquals(2, sim.matched(down))
        assertEquals(OrderStatus.PAID, read(order).status)
    }

    @Test
    fun `a lost reply makes no second payment`() = test { sim ->
        val lost = simulatedApi {
            code = Code.UNAVAILABLE
            when_ = SimulatedErrorTime.SIMULATED_ERROR_TIME_AFTER
        }
        sim.rule(simulationOptions { api = lost }, times = 1)
        val order = place(sim)
        assertEquals(listOf(order.id), sim.payments().map { it.reservationId })
    }

    @Test
    fun `a duplicate webhook changes the order once`() = test { sim ->
        sim.rule(simulationOptions { delivery = simulatedDelivery { copies = 2 } })
        val order = place(sim)
        sim.advance(2.seconds)
        assertEquals(listOf(204, 204), sim.webhooks().single().attemptsList.map { it.statusCode })
        val paid = read(order)
        assertEquals(OrderStatus.PAID to 1, paid.status to paid.events)
    }

    @Test
    fun `a payment that is told after its refund leaves the order refunded`() = test { sim ->
        sim.rule(simulationOptions { delivery = simulatedDelivery { holdUntilNextEvent = true } })
        val order = place(sim)
        sim.advance(2.seconds)
        assertEquals(OrderStatus.PENDING, read(order).status)
        refund(sim, order)
        sim.awaitWebhooks(2)
        val refunded = read(order)
        assertEquals(OrderStatus.REFUNDED to 1, refunded.status to refunded.events)
    }

    @Test
    fun `a refund gives all the money back`() = test { sim ->
        val order = place(sim)
        sim.advance(2.seconds)
        assertEquals(OrderStatus.PAID, read(order).status)
        refund(sim, order)
        sim.awaitWebhooks(2)
        val refunded = read(order)
        assertEquals(OrderStatus.REFUNDED to order.amount, refunded.status to refunded.refundedAmount)
        assertEquals(order.amount, sim.payments().single().refundedAmount.amount)
    }

    @Test
    fun `half an hour until expiry takes no time`() = test { sim ->
        sim.rule(
            simulationOptions {
                outcome = SimulatedOutcome.SIMULATED_OUTCOME_EXPIRE
                delayMs = 30.minutes.inWholeMilliseconds.toInt()
            },
        )
        val order = place(sim)
        sim.advance(29.minutes)
        assertEquals(OrderStatus.PENDING, read(order).status)
        sim.advance(1.minutes)
        assertEquals(OrderStatus.EXPIRED, read(order).status)
    }

    @Test
    fun `what one session declines another takes`() = test { taking ->
        inSession { declining ->
            declining.rule(simulationOptions { outcome = SimulatedOutcome.SIMULATED_OUTCOME_DECLINE })
            val (taken, declined) = place(taking) to place(declining)
            taking.advance(2.seconds)
            declining.advance(2.seconds)
            assertEquals(OrderStatus.PAID to OrderStatus.FAILED, read(taken).status to read(declined).status)
        }
    }

    @Test
    fun `a forged webhook is refused and changes nothing`() = test { sim ->
        val forged = simulatedDelivery { signature = SimulatedSignature.SIMULATED_SIGNATURE_WRONG_SECRET }
        sim.rule(simulationOptions { delivery = forged })
        val order = place(sim)
        sim.advance(2.seconds)
        val webhook = sim.webhooks().single()
        assertEquals(listOf(401), webhook.attemptsList.map { it.statusCode })
        assertEquals(DeliveryStatus.DELIVERY_STATUS_SIMULATED, webhook.status)
        val untouched = read(order)
        assertEquals(OrderStatus.PENDING to 0, untouched.status to untouched.events)
    }

    /** JUnit wants tests that give nothing back. */
    private fun test(run: suspend (SimSession) -> Unit) = runBlocking { inSession(run) }

    private fun place(sim: SimSession) =
        call(201, request("/orders", sim).POST(BodyPublishers.ofString("""{"user_id": "user-1", "amount": 120000}""")))

    private fun read(order: Order) = call(200, request("/orders/${order.id}").GET())

    private fun refund(sim: SimSession, order: Order) =
        call(202, request("/orders/${order.id}/refund", sim).POST(BodyPublishers.noBody()))

    private fun request(path: String, sim: SimSession? = null): HttpRequest.Builder =
        HttpRequest.newBuilder(URI(service.url + path)).apply { if (sim != null) header("baggage", sim.baggage) }

    private fun call(status: Int, request: HttpRequest.Builder): Order {
        val response = http.send(request.build(), BodyHandlers.ofString())
        assertEquals(status, response.statusCode(), response.body())
        return json.readValue(response.body())
    }
}

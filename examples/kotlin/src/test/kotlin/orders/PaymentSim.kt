package orders

import com.google.protobuf.util.Durations
import com.traffic_tacos.payment.v1.Payment
import com.traffic_tacos.payment.v1.PaymentServiceGrpcKt.PaymentServiceCoroutineStub
import com.traffic_tacos.payment.v1.SimulatedChannel
import com.traffic_tacos.payment.v1.SimulationOptions
import com.traffic_tacos.payment.v1.listPaymentsRequest
import com.traffic_tacos.simulator.v1.Delivery
import com.traffic_tacos.simulator.v1.DeliveryStatus
import com.traffic_tacos.simulator.v1.SimulatorServiceGrpcKt.SimulatorServiceCoroutineStub
import com.traffic_tacos.simulator.v1.advanceClockRequest
import com.traffic_tacos.simulator.v1.awaitCondition
import com.traffic_tacos.simulator.v1.awaitRequest
import com.traffic_tacos.simulator.v1.createRuleRequest
import com.traffic_tacos.simulator.v1.deliveryFilter
import com.traffic_tacos.simulator.v1.listDeliveriesRequest
import com.traffic_tacos.simulator.v1.listRulesRequest
import com.traffic_tacos.simulator.v1.resetSessionRequest
import com.traffic_tacos.simulator.v1.rule
import com.traffic_tacos.simulator.v1.session
import com.traffic_tacos.simulator.v1.updateSessionRequest
import io.grpc.ManagedChannel
import io.grpc.ManagedChannelBuilder
import io.grpc.Metadata
import io.grpc.StatusException
import java.net.URI
import java.util.UUID
import kotlin.time.Duration

/** Payment Sim in tests: a session for each test, with rules and a clock of its own. Copy this file. */
object PaymentSim {
    /** A simulator that runs already; the default is that of `npm start`. */
    val url: URI = URI(System.getenv("PAYMENT_SIM_URL") ?: "http://localhost:8030")
    val target = "${url.host}:${url.port}"
    internal val channel: ManagedChannel = ManagedChannelBuilder.forTarget(target).usePlaintext().build()
}

/** Payments and rules that no other test sees. Time stands still in it until [advance]. */
class SimSession {
    private val name = "test-${UUID.randomUUID()}"
    private val metadata = Metadata().apply { put(sessionKey, name) }
    private val simulator = SimulatorServiceCoroutineStub(PaymentSim.channel)
    private val gateway = PaymentServiceCoroutineStub(PaymentSim.channel)

    /** For calls to the code under test, which passes it on to the gateway. */
    val baggage = "payment-sim.session=$name"

    suspend fun open() {
        try {
            simulator.updateSession(updateSessionRequest { session = session { manualClock = true } }, metadata)
        } catch (e: StatusException) {
            throw IllegalStateException("no simulator at ${PaymentSim.url}; `npm start` in its checkout runs one", e)
        }
    }

    suspend fun reset() {
        simulator.resetSession(resetSessionRequest { }, metadata)
    }

    /** From now on this happens to payments that are made: to the first [times] of them, or to all. */
    suspend fun rule(simulation: SimulationOptions, times: Int = 0): String {
        val wanted = rule {
            this.simulation = simulation
            this.times = times
        }
        return simulator.createRule(createRuleRequest { rule = wanted }, metadata).rule.ruleId
    }

    /** How many calls a rule has applied to. */
    suspend fun matched(ruleId: String): Long =
        simulator.listRules(listRulesRequest { }, metadata).rulesList.single { it.ruleId == ruleId }.matched

    /** Moves the clock. When it returns, what fell due has happened, and webhooks were tried once. */
    suspend fun advance(by: Duration) {
        simulator.advanceClock(advanceClockRequest { this.by = Durations.fromMillis(by.inWholeMilliseconds) }, metadata)
    }

    /** All payments of the session, the newest first. */
    suspend fun payments(): List<Payment> = gateway.listPayments(listPaymentsRequest { }, metadata).paymentsList

    /** Webhooks with every attempt at them, those of a payment in the order of its events. */
    suspend fun webhooks(): List<Delivery> =
        simulator.listDeliveries(listDeliveriesRequest { }, metadata).deliveriesList
            .filter { it.channel == SimulatedChannel.SIMULATED_CHANNEL_WEBHOOK }

    /** Waits until so many were taken: for what happens without [advance], such as a refund. */
    suspend fun awaitWebhooks(count: Int) {
        val taken = awaitCondition {
            deliveries = deliveryFilter {
                channel = SimulatedChannel.SIMULATED_CHANNEL_WEBHOOK
                status = DeliveryStatus.DELIVERY_STATUS_DELIVERED
            }
        }
        val answer = simulator.await(
            awaitRequest {
                condition = taken
                min = count
            },
            metadata,
        )
        check(answer.met) { "${answer.observed} webhooks were taken, not $count: ${answer.nearMissesList}" }
    }

    private companion object {
        val sessionKey: Metadata.Key<String> = Metadata.Key.of("payment-sim-session", Metadata.ASCII_STRING_MARSHALLER)
    }
}

/** A test in a session of its own, which is emptied at its end. */
suspend fun <T> inSession(test: suspend (SimSession) -> T): T {
    val session = SimSession()
    session.open()
    return try {
        test(session)
    } finally {
        session.reset()
    }
}

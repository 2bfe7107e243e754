package clients

import com.google.protobuf.Empty
import com.google.rpc.BadRequest
import com.traffic_tacos.common.v1.money
import com.traffic_tacos.payment.v1.CreatePaymentIntentRequest
import com.traffic_tacos.payment.v1.PaymentScenario
import com.traffic_tacos.payment.v1.PaymentServiceGrpcKt.PaymentServiceCoroutineStub
import com.traffic_tacos.payment.v1.PaymentStatus
import com.traffic_tacos.payment.v1.createPaymentIntentRequest
import com.traffic_tacos.payment.v1.getPaymentStatusRequest
import com.traffic_tacos.payment.v1.listPaymentsRequest
import io.grpc.CallOptions
import io.grpc.Channel
import io.grpc.ConnectivityState
import io.grpc.ManagedChannel
import io.grpc.ManagedChannelBuilder
import io.grpc.Metadata
import io.grpc.MethodDescriptor
import io.grpc.MethodDescriptor.MethodType
import io.grpc.NameResolverRegistry
import io.grpc.Status.Code
import io.grpc.StatusException
import io.grpc.health.v1.HealthCheckRequest
import io.grpc.health.v1.HealthCheckResponse.ServingStatus
import io.grpc.health.v1.HealthGrpc
import io.grpc.kotlin.ClientCalls
import io.grpc.protobuf.ProtoUtils
import io.grpc.protobuf.StatusProto
import io.grpc.reflection.v1.ServerReflectionGrpc
import io.grpc.reflection.v1.ServerReflectionRequest
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart.UNDISPATCHED
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.fail
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration

/** What grpc-kotlin, and so grpc-java, sees of the service. */
class ClientsTest {
    private val services = mutableListOf<Service>()
    private val channels = mutableListOf<ManagedChannel>()

    @AfterEach
    fun close() {
        channels.forEach { it.shutdownNow() }
        services.forEach { it.close() }
    }

    @Test
    suspend fun `a payment comes to the outcome that was asked for, compressed`() {
        val client = payments(channel(startService().address)).withCompression("gzip")
        for ((scenario, outcome) in outcomes) {
            val created = client.createPaymentIntent(order(scenario))
            assertEquals(PaymentStatus.PAYMENT_STATUS_PENDING, created.status)
            val read = getPaymentStatusRequest { paymentIntentId = created.paymentIntentId }
            awaitUntil { client.getPaymentStatus(read).payment.status == outcome }
        }
    }

    @Test
    suspend fun `a refusal has its details`() {
        val refused = refusal { payments(channel(startService().address)).createPaymentIntent(incomplete) }
        assertEquals(Code.INVALID_ARGUMENT, refused.status.code)
        val details = checkNotNull(StatusProto.fromThrowable(refused)).detailsList
        val badRequest = details.single { it.`is`(BadRequest::class.java) }.unpack(BadRequest::class.java)
        assertEquals(listOf("user_id", "amount"), badRequest.fieldViolationsList.map { it.field })
    }

    @Test
    suspend fun `what does not exist is UNIMPLEMENTED`() {
        val channel = channel(startService().address)
        for (name in listOf("payment.v1.PaymentService/Pay", "payment.v9.PaymentService/Pay", "a/b")) {
            val unary = refusal { ClientCalls.unaryRpc(channel, method(name, MethodType.UNARY), empty, soon()) }
            assertEquals(Code.UNIMPLEMENTED, unary.status.code, name)
            val streaming = refusal { stream(channel, method(name, MethodType.BIDI_STREAMING), empty).toList() }
            assertEquals(Code.UNIMPLEMENTED, streaming.status.code, name)
        }
    }

    @Test
    suspend fun `a deadline and a cancelled coroutine reach the service`(): Unit = coroutineScope {
        val service = startService()
        val channel = channel(service.address)
        val client = payments(channel)
        // What runs out is then the wait for the answer, not for a connection.
        channel.connectAndWait()
        val late = refusal { payments(channel, 2.seconds).createPaymentIntent(order(), delayed(20.seconds)) }
        assertEquals(Code.DEADLINE_EXCEEDED, late.status.code)

        val cancelled = launch(start = UNDISPATCHED) { client.createPaymentIntent(order(), delayed(20.seconds)) }
        client.awaitArrivalOfCallsBefore()
        cancelled.cancelAndJoin()

        // It says so long before it would have answered.
        awaitUntil { service.refusals.size == 2 }
        assertEquals(0, client.countPayments())
    }

    @Test
    suspend fun `keepalive without calls keeps the connection`() {
        val service = startService()
        // grpc-java pings no more often than every ten seconds.
        val channel = channel(service.address) {
            keepAliveTime(10, TimeUnit.SECONDS).keepAliveTimeout(5, TimeUnit.SECONDS).keepAliveWithoutCalls(true)
        }
        payments(channel).createPaymentIntent(order())
        val left = CompletableDeferred<ConnectivityState>()
        channel.notifyWhenStateChanged(ConnectivityState.READY) { left.complete(channel.getState(false)) }
        assertNull(withTimeoutOrNull(25.seconds) { left.await() })
    }

    @Test
    suspend fun `a call waits for the service to come back`(): Unit = coroutineScope {
        val first = startService()
        val client = payments(channel(first.address))
        client.createPaymentIntent(order())
        first.stop()
        assertEquals(Code.UNAVAILABLE, refusal { client.createPaymentIntent(order()) }.status.code)
        val waiting = async(start = UNDISPATCHED) { client.withWaitForReady().createPaymentIntent(order()) }
        startService(first.port)
        assertTrue(waiting.await().paymentIntentId.isNotEmpty())
    }

    @Test
    suspend fun `calls in flight are answered when the service is asked to end`(): Unit = coroutineScope {
        val service = startService()
        val channel = channel(service.address).apply { connectAndWait() }
        val client = payments(channel)
        val calls = List(20) {
            async(start = UNDISPATCHED) { client.createPaymentIntent(order(), delayed(5.seconds)) }
        }
        client.awaitArrivalOfCallsBefore()
        assertTrue(calls.all { it.isActive })
        service.terminate()
        assertEquals(20, calls.awaitAll().map { it.paymentIntentId }.toSet().size)
        service.awaitEnd()
    }

    @Test
    suspend fun `the health of each replica decides where calls go`() {
        val (one, other) = startTwoServices()
        val client = payments(balanced(one, other, "payment.v1.PaymentService")).withWaitForReady()
        val (atOne, atOther) = listOf(one, other).map { payments(channel(it.address)) }
        awaitUntil {
            client.createPaymentIntent(order())
            atOne.countPayments() > 0 && atOther.countPayments() > 0
        }
        one.stop()
        val before = atOther.countPayments()
        repeat(20) { client.createPaymentIntent(order()) }
        assertEquals(before + 20, atOther.countPayments())
    }

    /** So grpc-java does ask, and the test above is one of health. */
    @Test
    suspend fun `no call goes to replicas of which the health is unknown`() {
        val (one, other) = startTwoServices()
        val client = payments(balanced(one, other, "payment.v9.PaymentService"))
        val refused = refusal { client.createPaymentIntent(order()) }
        assertEquals(Code.UNAVAILABLE, refused.status.code)
        assertTrue("SERVICE_UNKNOWN" in refused.status.description.orEmpty(), refused.message)
    }

    @Test
    suspend fun `a watch of health that runs into its deadline is no error`() {
        val service = startService()
        val channel = channel(service.address).apply { connectAndWait() }
        val request = HealthCheckRequest.newBuilder().setService("readiness").build()
        val watch = ClientCalls.serverStreamingRpc(channel, HealthGrpc.getWatchMethod(), request, soon(4.seconds))
        val seen = mutableListOf<ServingStatus>()
        val end = refusal { watch.collect { seen += it.status } }
        assertEquals(Code.DEADLINE_EXCEEDED, end.status.code)
        assertEquals(listOf(ServingStatus.SERVING), seen)
        service.stop()
        assertEquals(emptyList<String>(), service.errors)
    }

    @Test
    suspend fun `reflection names the services`() {
        val channel = channel(startService().address)
        val request = ServerReflectionRequest.newBuilder().setListServices("").build()
        val answers = stream(channel, ServerReflectionGrpc.getServerReflectionInfoMethod(), request).toList()
        val names = answers.single().listServicesResponse.serviceList.map { it.name }
        assertTrue(names.containsAll(listOf("payment.v1.PaymentService", "grpc.health.v1.Health")), "$names")
    }

    private suspend fun startService(port: Int = freePort()): Service {
        val service = Service(port).also { services += it }
        service.awaitReady()
        return service
    }

    private suspend fun startTwoServices() = coroutineScope { List(2) { async { startService() } }.awaitAll() }

    private fun channel(target: String, configure: ManagedChannelBuilder<*>.() -> Unit = {}): ManagedChannel =
        ManagedChannelBuilder.forTarget(target).usePlaintext().apply(configure).build().also { channels += it }

    /** To both in turn, as long as each says that the named service is healthy. */
    private fun balanced(one: Service, other: Service, healthOf: String): ManagedChannel {
        NameResolverRegistry.getDefaultRegistry().register(Replicas)
        return channel("replicas:///${one.address},${other.address}") {
            defaultServiceConfig(
                mapOf(
                    "loadBalancingConfig" to listOf(mapOf("round_robin" to emptyMap<String, Any>())),
                    "healthCheckConfig" to mapOf("serviceName" to healthOf),
                ),
            )
        }
    }
}

private val outcomes = mapOf(
    PaymentScenario.PAYMENT_SCENARIO_APPROVE to PaymentStatus.PAYMENT_STATUS_COMPLETED,
    PaymentScenario.PAYMENT_SCENARIO_FAIL to PaymentStatus.PAYMENT_STATUS_FAILED,
)

private val empty = Empty.getDefaultInstance()
private val incomplete = createPaymentIntentRequest { reservationId = "reservation-1" }
private val behavior = Metadata.Key.of("payment-sim-behavior", Metadata.ASCII_STRING_MARSHALLER)

private fun payments(channel: Channel, limit: Duration = 60.seconds): PaymentServiceCoroutineStub =
    PaymentServiceCoroutineStub(channel).withDeadlineAfter(limit.toJavaDuration())

private fun soon(limit: Duration = 60.seconds): CallOptions =
    CallOptions.DEFAULT.withDeadlineAfter(limit.toJavaDuration())

private fun order(scenario: PaymentScenario = PaymentScenario.PAYMENT_SCENARIO_APPROVE): CreatePaymentIntentRequest =
    createPaymentIntentRequest {
        reservationId = "reservation-1"
        userId = "user-1"
        amount = money {
            amount = 120_000
            currency = "KRW"
        }
        this.scenario = scenario
    }

/** Headers that make the service wait before it does what is asked. */
private fun delayed(by: Duration) = Metadata().apply {
    put(behavior, """{"api": {"delay_ms": ${by.inWholeMilliseconds}}}""")
}

private suspend fun PaymentServiceCoroutineStub.countPayments(): Int =
    listPayments(listPaymentsRequest { userId = "user-1" }).pageInfo.totalCount

private suspend fun ManagedChannel.connectAndWait() {
    payments(this).countPayments()
}

/** A connection keeps its frames in order: when this call is answered, the service has those that began before it. */
private suspend fun PaymentServiceCoroutineStub.awaitArrivalOfCallsBefore() {
    countPayments()
}

private fun method(name: String, type: MethodType): MethodDescriptor<Empty, Empty> {
    val marshaller = ProtoUtils.marshaller(empty)
    return MethodDescriptor.newBuilder(marshaller, marshaller).setType(type).setFullMethodName(name).build()
}

private fun <Q, A> stream(channel: Channel, method: MethodDescriptor<Q, A>, request: Q): Flow<A> =
    ClientCalls.bidiStreamingRpc(channel, method, flowOf(request), soon())

private suspend fun refusal(call: suspend () -> Unit): StatusException {
    try {
        call()
    } catch (e: StatusException) {
        return e
    }
    fail("the call has not been refused")
}

private suspend fun awaitUntil(condition: suspend () -> Boolean) = withTimeout(15.seconds) {
    while (!condition()) {
        delay(20.milliseconds)
    }
}

package clients

import com.google.protobuf.DescriptorProtos.FileDescriptorProto
import com.google.protobuf.Descriptors.FileDescriptor
import com.google.protobuf.Descriptors.ServiceDescriptor
import com.google.protobuf.DynamicMessage
import com.google.protobuf.Message
import com.google.protobuf.util.JsonFormat
import io.grpc.CallOptions
import io.grpc.Channel
import io.grpc.ManagedChannelBuilder
import io.grpc.MethodDescriptor
import io.grpc.Status.Code
import io.grpc.StatusException
import io.grpc.kotlin.ClientCalls
import io.grpc.protobuf.ProtoUtils
import io.grpc.reflection.v1.ServerReflectionGrpc
import io.grpc.reflection.v1.ServerReflectionRequest
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.single
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration

/**
 * What grpc-kotlin sees of the platform's contract, learnt by reflection: stubs of both contracts cannot be in one
 * program, since their classes have the same names.
 */
class PlatformTest {
    @Test
    suspend fun `the platform's contract comes to both outcomes`() {
        val port = freePort()
        Service(freePort(), mapOf("PLATFORM_GRPC_PORT" to "$port")).use { service ->
            service.awaitReady()
            val channel = ManagedChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build()
            try {
                val payments = Payments(channel, learn(channel))
                assertEquals(Code.INVALID_ARGUMENT, payments.codeOf("""{"reservation_id": "r"}"""))
                payments.settles("APPROVE", "COMPLETED")
                payments.settles("FAIL", "FAILED")
            } finally {
                channel.shutdownNow()
            }
        }
    }
}

/** The methods of a service, called with JSON. */
private class Payments(private val channel: Channel, private val service: ServiceDescriptor) {
    suspend fun call(method: String, json: String): DynamicMessage {
        val descriptor = service.findMethodByName(method)
        val request = DynamicMessage.newBuilder(descriptor.inputType).also { JsonFormat.parser().merge(json, it) }
        val rpc = MethodDescriptor.newBuilder(
            ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(descriptor.inputType)),
            ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(descriptor.outputType)),
        ).setType(MethodDescriptor.MethodType.UNARY).setFullMethodName("${service.fullName}/$method").build()
        return ClientCalls.unaryRpc(channel, rpc, request.build(), soon())
    }

    suspend fun codeOf(json: String): Code =
        try {
            call("CreatePaymentIntent", json)
            Code.OK
        } catch (e: StatusException) {
            e.status.code
        }

    suspend fun settles(scenario: String, outcome: String) {
        val order = """{"reservation_id": "r", "user_id": "u", "amount": {"amount": "120000", "currency": "KRW"},
            "scenario": "PAYMENT_SCENARIO_$scenario"}"""
        val id = call("CreatePaymentIntent", order)["payment_intent_id"]
        withTimeout(60.seconds) {
            while (statusOf(id) != "PAYMENT_STATUS_$outcome") delay(20.milliseconds)
        }
    }

    private suspend fun statusOf(id: Any): String =
        (call("GetPaymentStatus", """{"payment_intent_id": "$id"}""")["payment"] as Message)["status"].toString()
}

private operator fun Message.get(name: String): Any = getField(descriptorForType.findFieldByName(name))

/** PaymentService as the server describes it. */
private suspend fun learn(channel: Channel): ServiceDescriptor {
    val request = ServerReflectionRequest.newBuilder().setFileContainingSymbol("payment.v1.PaymentService").build()
    val method = ServerReflectionGrpc.getServerReflectionInfoMethod()
    val answer = ClientCalls.bidiStreamingRpc(channel, method, flowOf(request), soon()).single()
    val files = answer.fileDescriptorResponse.fileDescriptorProtoList.map(FileDescriptorProto::parseFrom)
    return checkNotNull(build("payment/v1/payment.proto", files.associateBy { it.name }).findServiceByName("PaymentService"))
}

private fun build(name: String, files: Map<String, FileDescriptorProto>): FileDescriptor {
    val file = files.getValue(name)
    return FileDescriptor.buildFrom(file, file.dependencyList.map { build(it, files) }.toTypedArray())
}

private fun soon(): CallOptions = CallOptions.DEFAULT.withDeadlineAfter(60.seconds.toJavaDuration())

package clients

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.future.await
import kotlinx.coroutines.withTimeout
import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.seconds

private const val HOST = "127.0.0.1"

/** A port at which nobody listens. */
fun freePort(): Int = ServerSocket(0, 1, InetAddress.getByName(HOST)).use { it.localPort }

/** The service in a process of its own: runs PAYMENT_SIM, a command line, at a port. */
class Service(val port: Int, variables: Map<String, String> = emptyMap()) : AutoCloseable {
    private val lines = CopyOnWriteArrayList<String>()
    private val ready = CompletableDeferred<Unit>()
    private val process = ProcessBuilder(command(port))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .apply { environment() += variables + ("EVENTBRIDGE" to "off") }
        .start()
    private val reader = thread(isDaemon = true) { read() }

    val address = "$HOST:$port"

    /** The lines of its log from warn on. */
    val errors: List<String> get() = lines.filterNot { "\"level\":\"info\"" in it }

    /** Its lines of calls that it has not done. */
    val refusals: List<String> get() = lines.filter { "\"Call refused\"" in it }

    /** Generous: many start at the same time, on a machine that may have other work. */
    suspend fun awaitReady() = withTimeout(60.seconds) { ready.await() }

    /** Asks it to end, as Kubernetes does: with SIGTERM. Process.destroy() would also stop reading its log. */
    fun terminate() {
        process.toHandle().destroy()
    }

    /** Waits until it has ended, and its whole log is here. */
    suspend fun awaitEnd() {
        withTimeout(60.seconds) { process.onExit().await() }
        reader.join()
    }

    suspend fun stop() {
        terminate()
        awaitEnd()
    }

    override fun close() {
        process.toHandle().destroyForcibly()
        process.waitFor()
    }

    private fun read() {
        process.inputReader().forEachLine { line ->
            lines += line
            if ("\"Payment Sim is ready\"" in line) {
                ready.complete(Unit)
            }
        }
        ready.completeExceptionally(IllegalStateException("the service has ended: $lines"))
    }
}

private fun command(port: Int): List<String> {
    val command = checkNotNull(System.getenv("PAYMENT_SIM")) { "PAYMENT_SIM must be the command that runs the service" }
    return command.split(' ') +
        listOf("--host", HOST, "--port", "$port", "--health-port", "0", "--delay", "200ms")
}

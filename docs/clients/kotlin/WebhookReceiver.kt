// Receives webhooks and verifies them, with nothing but the JDK (17 and up).
//   WebhookReceiverKt             listens on 127.0.0.1:9000
//   WebhookReceiverKt vectors.tsv checks itself; docs/clients/verify-webhooks.sh makes the file
import com.sun.net.httpserver.HttpServer
import java.io.File
import java.net.InetSocketAddress
import java.security.MessageDigest
import java.util.Base64
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.system.exitProcess

class WebhookRefused(val code: String) : Exception(code)

/**
 * Checks the Standard Webhooks headers of a webhook, which Payment Sim always sends.
 * [body] is the raw body; several [secrets] are accepted while they are rotated.
 */
fun verifyWebhook(
    body: ByteArray,
    header: (String) -> String?,
    secrets: List<String>,
    toleranceSeconds: Long,
    nowSeconds: Long
) {
    val id = header("webhook-id") ?: throw WebhookRefused("MissingHeader")
    val timestamp = header("webhook-timestamp") ?: throw WebhookRefused("MissingHeader")
    val signatures = (header("webhook-signature") ?: throw WebhookRefused("MissingHeader")).split(" ")
    if (!timestamp.matches(Regex("[0-9]{1,12}")) || signatures.none { it.startsWith("v1,") }) {
        throw WebhookRefused("MalformedHeader")
    }
    var genuine = false
    for (secret in secrets) {
        val key = if (secret.startsWith("whsec_")) Base64.getDecoder().decode(secret.substring(6))
        else secret.toByteArray(Charsets.UTF_8)
        val mac = Mac.getInstance("HmacSHA256")
        mac.init(SecretKeySpec(key, "HmacSHA256"))
        mac.update("$id.$timestamp.".toByteArray(Charsets.UTF_8))
        val expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))
        for (signature in signatures) {
            genuine = MessageDigest.isEqual(signature.toByteArray(), expected.toByteArray()) || genuine
        }
    }
    if (!genuine) throw WebhookRefused("SignatureMismatch")
    if (Math.abs(nowSeconds - timestamp.toLong()) > toleranceSeconds) {
        throw WebhookRefused("TimestampOutOfTolerance")
    }
}

fun main(args: Array<String>) {
    if (args.isNotEmpty()) return checkVectors(File(args[0]))
    val secrets = (System.getenv("WEBHOOK_SECRET") ?: "payment-sim-dev-secret").split(",")
    val port = (System.getenv("PORT") ?: "9000").toInt()
    val server = HttpServer.create(InetSocketAddress("127.0.0.1", port), 0)
    server.createContext("/") { exchange ->
        val body = exchange.requestBody.readBytes()
        val status = try {
            verifyWebhook(
                body, exchange.requestHeaders::getFirst, secrets, 300, System.currentTimeMillis() / 1000
            )
            println("genuine " + String(body, Charsets.UTF_8))
            204
        } catch (e: WebhookRefused) {
            println("REFUSED " + e.code)
            401
        }
        exchange.sendResponseHeaders(status, -1)
        exchange.close()
    }
    server.start()
}

/** Columns: name, secrets in base64 by commas, now, tolerance, body in base64, three headers, reason. */
fun checkVectors(file: File) {
    val rows = file.readLines(Charsets.UTF_8).map { it.split("\t") }
    val decode = { text: String -> Base64.getDecoder().decode(text) }
    for (row in rows) {
        val headers = mapOf(
            "webhook-id" to row[5], "webhook-timestamp" to row[6], "webhook-signature" to row[7]
        ).filterValues { it != "" }
        val secrets = row[1].split(",").map { String(decode(it), Charsets.UTF_8) }
        val got = try {
            verifyWebhook(decode(row[4]), headers::get, secrets, row[3].toLong(), row[2].toLong())
            ""
        } catch (e: WebhookRefused) {
            e.code
        }
        if (got != row[8]) {
            println("${row[0]}: got \"$got\", want \"${row[8]}\"")
            exitProcess(1)
        }
    }
    println("${rows.size} vectors right")
}

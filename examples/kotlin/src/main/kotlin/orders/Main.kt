package orders

fun main() {
    val gateway = Gateway(System.getenv("GATEWAY") ?: "localhost:8030")
    val secret = System.getenv("WEBHOOK_SECRET") ?: "payment-sim-dev-secret"
    val service = OrderService(gateway, secret, port = System.getenv("PORT")?.toInt() ?: 9000)
    println("listening at ${service.url}")
}

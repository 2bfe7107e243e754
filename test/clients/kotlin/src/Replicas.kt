package clients

import io.grpc.EquivalentAddressGroup
import io.grpc.NameResolver
import io.grpc.NameResolverProvider
import io.grpc.StatusOr
import java.net.InetSocketAddress
import java.net.URI

/** Names such as `replicas:///127.0.0.1:8030,127.0.0.1:8031`: what DNS would answer for several replicas. */
object Replicas : NameResolverProvider() {
    override fun isAvailable() = true

    override fun priority() = 5

    override fun getDefaultScheme() = "replicas"

    override fun newNameResolver(target: URI, args: NameResolver.Args): NameResolver? =
        if (target.scheme == defaultScheme) Fixed(target.path.removePrefix("/").split(',')) else null

    private class Fixed(private val addresses: List<String>) : NameResolver() {
        override fun getServiceAuthority() = "payment-sim"

        override fun start(listener: Listener2) {
            val groups = addresses.map { EquivalentAddressGroup(socketAddress(it)) }
            listener.onResult2(ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build())
        }

        override fun shutdown() = Unit
    }
}

private fun socketAddress(address: String): InetSocketAddress =
    InetSocketAddress(address.substringBefore(':'), address.substringAfter(':').toInt())

// A payment service on grpc-go that does for a create what Payment Sim does: checks, idempotency key, store, a
// timer that settles the payment, metrics and one log line. Ordinary code with the libraries that services in Go
// have, as their documentation uses them.
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	paymentv1 "example.com/order-service/gen/payment/v1"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
)

func main() {
	// Random bytes are drawn for many ids at once, as Payment Sim does.
	uuid.EnableRandPool()
	logger, stopLog := newLogger(os.Stdout)
	defer stopLog()
	registry := prometheus.NewRegistry()
	metrics := newCallMetrics(registry)

	go func() {
		http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
		log.Fatal(http.ListenAndServe(address("HEALTH_PORT"), nil))
	}()
	listener, err := net.Listen("tcp", address("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(metrics.intercept))
	paymentv1.RegisterPaymentServiceServer(server, &service{store: newStore(logger)})
	log.Fatal(server.Serve(listener))
}

func address(portVariable string) string {
	return net.JoinHostPort(os.Getenv("HOST"), os.Getenv(portVariable))
}

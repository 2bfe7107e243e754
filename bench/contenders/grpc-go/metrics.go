package main

import (
	"context"
	"path"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// The names and buckets are those of go-grpc-prometheus, which Payment Sim has as well.
var handlingBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

type callMetrics struct {
	handled *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newCallMetrics(registry *prometheus.Registry) *callMetrics {
	m := &callMetrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grpc_server_handled_total",
			Help: "Total number of RPCs completed on the server, regardless of success or failure.",
		}, []string{"grpc_service", "grpc_method", "grpc_code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "grpc_server_handling_seconds",
			Help:    "Response latency in seconds of RPCs handled by the server.",
			Buckets: handlingBuckets,
		}, []string{"grpc_service", "grpc_method"}),
	}
	registry.MustRegister(m.handled, m.seconds)
	return m
}

func (m *callMetrics) intercept(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	begin := time.Now()
	response, err := handler(ctx, request)
	service, method := path.Dir(info.FullMethod)[1:], path.Base(info.FullMethod)
	m.handled.WithLabelValues(service, method, status.Code(err).String()).Inc()
	m.seconds.WithLabelValues(service, method).Observe(time.Since(begin).Seconds())
	return response, err
}

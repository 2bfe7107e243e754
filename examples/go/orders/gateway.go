package orders

import (
	"context"
	"time"

	commonv1 "example.com/order-service/gen/common/v1"
	paymentv1 "example.com/order-service/gen/payment/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

const (
	currency = "KRW"
	// For a whole call, with all its attempts.
	callTimeout = 5 * time.Second
)

// gRPC tries again by itself. Safe, because every call has an idempotency key.
const serviceConfig = `{"methodConfig": [{
	"name": [{"service": "payment.v1.PaymentService"}],
	"retryPolicy": {
		"maxAttempts": 4,
		"initialBackoff": "0.02s",
		"maxBackoff": "0.05s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

// Gateway is the payment gateway, as the order service sees it.
type Gateway struct {
	conn     *grpc.ClientConn
	payments paymentv1.PaymentServiceClient
}

// NewGateway makes a client of the gateway at target, such as "localhost:8030".
func NewGateway(target string) (*Gateway, error) {
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
	)
	if err != nil {
		return nil, err
	}
	return &Gateway{conn, paymentv1.NewPaymentServiceClient(conn)}, nil
}

// Close ends the connection.
func (g *Gateway) Close() error { return g.conn.Close() }

// createPayment asks for the money of an order.
func (g *Gateway) createPayment(ctx context.Context, order Order, webhookURL string) (paymentID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := g.payments.CreatePaymentIntent(ctx, &paymentv1.CreatePaymentIntentRequest{
		ReservationId:  order.ID,
		UserId:         order.UserID,
		Amount:         &commonv1.Money{Amount: order.Amount, Currency: currency},
		WebhookUrl:     webhookURL,
		IdempotencyKey: order.ID,
	})
	return answer.GetPaymentIntentId(), err
}

// refund gives all the money of an order back. A webhook tells when that is done.
func (g *Gateway) refund(ctx context.Context, order Order) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := g.payments.CancelPayment(ctx, &paymentv1.CancelPaymentRequest{
		PaymentIntentId: order.paymentID,
		RefundAmount:    &commonv1.Money{Amount: order.Amount, Currency: currency},
		IdempotencyKey:  "refund-" + order.ID,
	})
	return err
}

// withBaggage passes what the caller sent as baggage on to the calls that are made for it. In a service with
// OpenTelemetry nothing has to be written for that: its propagation does it.
func withBaggage(ctx context.Context, baggage string) context.Context {
	if baggage == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "baggage", baggage)
}

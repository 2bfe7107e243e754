package main

import (
	"context"
	"time"

	paymentv1 "example.com/order-service/gen/payment/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// How long payments take to settle, unless the request says so.
const defaultDelay = 2 * time.Second

type service struct {
	paymentv1.UnimplementedPaymentServiceServer
	store *store
}

func (s *service) CreatePaymentIntent(
	ctx context.Context, request *paymentv1.CreatePaymentIntentRequest,
) (*paymentv1.CreatePaymentIntentResponse, error) {
	key, err := idempotencyKey(ctx, request)
	if err != nil {
		return nil, err
	}
	if err := validateCreate(request, key); err != nil {
		return nil, err
	}
	created, err := s.store.create(newPayment(request), key, delayOf(request))
	if err != nil {
		return nil, err
	}
	return &paymentv1.CreatePaymentIntentResponse{
		PaymentIntentId: created.id,
		Status:          paymentv1.PaymentStatus_PAYMENT_STATUS_PENDING,
	}, nil
}

func newPayment(request *paymentv1.CreatePaymentIntentRequest) *payment {
	scenario := request.GetScenario()
	if scenario == paymentv1.PaymentScenario_PAYMENT_SCENARIO_UNSPECIFIED {
		scenario = paymentv1.PaymentScenario_PAYMENT_SCENARIO_APPROVE
	}
	return &payment{
		id:            "pay-" + uuid.NewString(),
		reservationID: request.GetReservationId(),
		userID:        request.GetUserId(),
		amount:        request.GetAmount().GetAmount(),
		currency:      request.GetAmount().GetCurrency(),
		scenario:      scenario,
		webhookURL:    request.GetWebhookUrl(),
		method:        request.GetMethod(),
		metadata:      request.GetMetadata(),
		status:        paymentv1.PaymentStatus_PAYMENT_STATUS_PENDING,
		createdAt:     time.Now(),
	}
}

func delayOf(request *paymentv1.CreatePaymentIntentRequest) time.Duration {
	if simulation := request.GetSimulation(); simulation != nil && simulation.DelayMs != nil {
		return time.Duration(simulation.GetDelayMs()) * time.Millisecond
	}
	return defaultDelay
}

// The field has precedence; an empty key is none.
func idempotencyKey(ctx context.Context, request *paymentv1.CreatePaymentIntentRequest) (string, error) {
	if key := request.GetIdempotencyKey(); key != "" {
		return key, nil
	}
	switch keys := metadata.ValueFromIncomingContext(ctx, "idempotency-key"); len(keys) {
	case 0:
		return "", nil
	case 1:
		return keys[0], nil
	default:
		return "", status.Error(codes.InvalidArgument, "idempotency_key must be one key")
	}
}

package main

import (
	"fmt"
	"sync"
	"time"

	paymentv1 "example.com/order-service/gen/payment/v1"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// As many as Payment Sim keeps. The oldest that are settled are forgotten beyond it.
const maxPayments = 1_000_000

type payment struct {
	id            string
	reservationID string
	userID        string
	amount        int64
	currency      string
	scenario      paymentv1.PaymentScenario
	webhookURL    string
	method        paymentv1.PaymentMethod
	metadata      *paymentv1.PaymentMetadata
	createdAt     time.Time

	// Guarded by the store's mutex.
	status        paymentv1.PaymentStatus
	settledAt     time.Time
	transactionID string
	eventID       string
}

type userKey struct{ userID, key string }

type keyed struct {
	fingerprint string
	payment     *payment
}

type store struct {
	logger *zap.Logger

	mutex    sync.Mutex
	payments map[string]*payment
	keys     map[userKey]keyed
	settled  []string // ids, the oldest first
}

func newStore(logger *zap.Logger) *store {
	return &store{logger: logger, payments: map[string]*payment{}, keys: map[userKey]keyed{}}
}

// create stores the payment and has it settle after the delay. With a key that is known it gives back the payment
// of then.
func (s *store) create(p *payment, key string, delay time.Duration) (*payment, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if key != "" {
		fingerprint := fingerprintOf(p, delay)
		if known, ok := s.keys[userKey{p.userID, key}]; ok {
			if known.fingerprint != fingerprint {
				return nil, status.Error(codes.AlreadyExists, "the idempotency key was used with other parameters")
			}
			return known.payment, nil
		}
		s.keys[userKey{p.userID, key}] = keyed{fingerprint, p}
	}
	if len(s.payments) >= maxPayments && !s.forgetOldest() {
		return nil, status.Error(codes.ResourceExhausted, "too many payments are pending")
	}
	s.payments[p.id] = p
	time.AfterFunc(delay, func() { s.settle(p) })
	return p, nil
}

func (s *store) forgetOldest() bool {
	if len(s.settled) == 0 {
		return false
	}
	delete(s.payments, s.settled[0])
	s.settled = s.settled[1:]
	return true
}

func (s *store) settle(p *payment) {
	transactionID, eventID := "txn-"+uuid.NewString(), "evt-"+uuid.NewString()
	s.mutex.Lock()
	p.status = outcomeOf(p.scenario)
	p.settledAt = time.Now()
	p.transactionID, p.eventID = transactionID, eventID
	s.settled = append(s.settled, p.id)
	s.mutex.Unlock()
	logSettlement(s.logger, p)
}

func outcomeOf(scenario paymentv1.PaymentScenario) paymentv1.PaymentStatus {
	if scenario == paymentv1.PaymentScenario_PAYMENT_SCENARIO_FAIL {
		return paymentv1.PaymentStatus_PAYMENT_STATUS_FAILED
	}
	return paymentv1.PaymentStatus_PAYMENT_STATUS_COMPLETED
}

func fingerprintOf(p *payment, delay time.Duration) string {
	return fmt.Sprintf("%q %d %q %d %q %d %v %d",
		p.reservationID, p.amount, p.currency, p.scenario, p.webhookURL, p.method, p.metadata, delay)
}

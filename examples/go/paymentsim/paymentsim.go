// Package paymentsim is Payment Sim in tests: a session for each test, with rules and a clock of its own. Copy it.
package paymentsim

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	paymentv1 "example.com/order-service/gen/payment/v1"
	simulatorv1 "example.com/order-service/gen/simulator/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
)

// URL is that of the simulator: PAYMENT_SIM_URL, or the default of `npm start`.
var URL = cmp.Or(os.Getenv("PAYMENT_SIM_URL"), "http://localhost:8030")

// Target is the same for gRPC.
func Target() string {
	_, host, found := strings.Cut(URL, "://")
	if !found {
		return URL
	}
	return strings.TrimSuffix(host, "/")
}

// Session has payments and rules that no other test sees. Time stands still in it until Advance.
type Session struct {
	t         testing.TB
	Name      string
	simulator simulatorv1.SimulatorServiceClient
	payments  paymentv1.PaymentServiceClient
}

// New makes a session, which is emptied at the end of the test.
func New(t testing.TB) *Session {
	t.Helper()
	conn, err := grpc.NewClient(Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{
		t:         t,
		Name:      "test-" + rand.Text(),
		simulator: simulatorv1.NewSimulatorServiceClient(conn),
		payments:  paymentv1.NewPaymentServiceClient(conn),
	}
	settings := &simulatorv1.Session{ManualClock: true}
	_, err = s.simulator.UpdateSession(s.context(t.Context()), &simulatorv1.UpdateSessionRequest{Session: settings})
	if err != nil {
		t.Fatalf("no simulator at %s; `npm start` in its checkout runs one: %v", URL, err)
	}
	t.Cleanup(func() {
		// The context of the test has ended.
		_, err := s.simulator.ResetSession(s.context(context.Background()), &simulatorv1.ResetSessionRequest{})
		if err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
	return s
}

func (s *Session) context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "payment-sim-session", s.Name)
}

// Header is for calls to the code under test, which passes it on to the gateway.
func (s *Session) Header() http.Header {
	return http.Header{"Baggage": {"payment-sim.session=" + s.Name}}
}

// Rule says what happens from now on to payments that are made: to the first times of them, or with 0 to all.
func (s *Session) Rule(simulation *paymentv1.SimulationOptions, times int32) (ruleID string) {
	s.t.Helper()
	rule := &simulatorv1.Rule{Simulation: simulation, Times: times}
	return must(s.simulator.CreateRule(s.context(s.t.Context()), &simulatorv1.CreateRuleRequest{Rule: rule}))(s.t).Rule.RuleId
}

// Matched is how many calls a rule has applied to.
func (s *Session) Matched(ruleID string) int64 {
	s.t.Helper()
	rules := must(s.simulator.ListRules(s.context(s.t.Context()), &simulatorv1.ListRulesRequest{}))(s.t).Rules
	for _, rule := range rules {
		if rule.RuleId == ruleID {
			return rule.Matched
		}
	}
	s.t.Fatalf("no rule %s", ruleID)
	return 0
}

// Advance moves the clock. When it returns, what fell due has happened, and webhooks were tried once.
func (s *Session) Advance(by time.Duration) {
	s.t.Helper()
	how := &simulatorv1.AdvanceClockRequest_By{By: durationpb.New(by)}
	must(s.simulator.AdvanceClock(s.context(s.t.Context()), &simulatorv1.AdvanceClockRequest{How: how}))(s.t)
}

// Payments are all of the session, the newest first.
func (s *Session) Payments() []*paymentv1.Payment {
	s.t.Helper()
	return must(s.payments.ListPayments(s.context(s.t.Context()), &paymentv1.ListPaymentsRequest{}))(s.t).Payments
}

// Webhooks have every attempt at them; those of a payment are in the order of its events.
func (s *Session) Webhooks() []*simulatorv1.Delivery {
	s.t.Helper()
	all := must(s.simulator.ListDeliveries(s.context(s.t.Context()), &simulatorv1.ListDeliveriesRequest{}))(s.t).Deliveries
	var webhooks []*simulatorv1.Delivery
	for _, delivery := range all {
		if delivery.Channel == paymentv1.SimulatedChannel_SIMULATED_CHANNEL_WEBHOOK {
			webhooks = append(webhooks, delivery)
		}
	}
	return webhooks
}

// AwaitWebhooks waits until so many were taken: for what happens without Advance, such as a refund.
func (s *Session) AwaitWebhooks(count int32) {
	s.t.Helper()
	fits := &simulatorv1.DeliveryFilter{
		Channel: paymentv1.SimulatedChannel_SIMULATED_CHANNEL_WEBHOOK,
		Status:  simulatorv1.DeliveryStatus_DELIVERY_STATUS_DELIVERED,
	}
	condition := &simulatorv1.AwaitCondition{What: &simulatorv1.AwaitCondition_Deliveries{Deliveries: fits}}
	request := &simulatorv1.AwaitRequest{Condition: condition, Min: &count}
	answer := must(s.simulator.Await(s.context(s.t.Context()), request))(s.t)
	if !answer.Met {
		s.t.Fatalf("%d webhooks were taken, not %d: %v", answer.Observed, count, answer.NearMisses)
	}
}

// must gives back what was answered, or ends the test.
func must[T any](answer T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

package orders_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	paymentv1 "example.com/order-service/gen/payment/v1"
	simulatorv1 "example.com/order-service/gen/simulator/v1"
	"example.com/order-service/orders"
	"example.com/order-service/paymentsim"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// One service for all tests, as in production; each test has a session of its own.
var serviceURL string

func TestMain(m *testing.M) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	serviceURL = "http://" + listener.Addr().String()
	gateway, err := orders.NewGateway(paymentsim.Target())
	if err != nil {
		panic(err)
	}
	service, err := orders.NewService(gateway, "payment-sim-dev-secret", serviceURL+orders.WebhookPath)
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, service.Handler())
	os.Exit(m.Run())
}

func TestPaid(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)

	order := place(t, sim)
	expectStatus(t, order, orders.Pending)
	sim.Advance(1999 * time.Millisecond)
	expectStatus(t, read(t, order), orders.Pending)
	sim.Advance(time.Millisecond)
	expectStatus(t, read(t, order), orders.Paid)
}

func TestDeclinedWithReason(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	sim.Rule(&paymentv1.SimulationOptions{FailureCode: "insufficient_funds"}, 0)

	order := place(t, sim)
	sim.Advance(2 * time.Second)

	order = read(t, order)
	expectStatus(t, order, orders.Failed)
	if order.FailureCode != "insufficient_funds" {
		t.Errorf("failed with %q", order.FailureCode)
	}
}

func TestPlacedThoughGatewayIsDownTwice(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	down := &paymentv1.SimulatedApi{Code: code.Code_UNAVAILABLE}
	rule := sim.Rule(&paymentv1.SimulationOptions{Api: down}, 2)

	order := place(t, sim)
	sim.Advance(2 * time.Second)

	if matched := sim.Matched(rule); matched != 2 {
		t.Errorf("the gateway was down %d times", matched)
	}
	expectStatus(t, read(t, order), orders.Paid)
}

func TestLostReplyMakesNoSecondPayment(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	lost := &paymentv1.SimulatedApi{
		Code: code.Code_UNAVAILABLE,
		When: paymentv1.SimulatedErrorTime_SIMULATED_ERROR_TIME_AFTER,
	}
	sim.Rule(&paymentv1.SimulationOptions{Api: lost}, 1)

	order := place(t, sim)

	payments := sim.Payments()
	if len(payments) != 1 || payments[0].ReservationId != order.ID {
		t.Errorf("payments: %v", payments)
	}
}

func TestDuplicateWebhookChangesOrderOnce(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	sim.Rule(&paymentv1.SimulationOptions{Delivery: &paymentv1.SimulatedDelivery{Copies: 2}}, 0)

	order := place(t, sim)
	sim.Advance(2 * time.Second)

	expectAnswers(t, sim, 204, 204)
	order = read(t, order)
	expectStatus(t, order, orders.Paid)
	expectEvents(t, order, 1)
}

func TestPaymentToldAfterItsRefundLeavesOrderRefunded(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	sim.Rule(&paymentv1.SimulationOptions{Delivery: &paymentv1.SimulatedDelivery{HoldUntilNextEvent: true}}, 0)

	order := place(t, sim)
	sim.Advance(2 * time.Second)
	expectStatus(t, read(t, order), orders.Pending)
	refund(t, sim, order)
	sim.AwaitWebhooks(2)

	order = read(t, order)
	expectStatus(t, order, orders.Refunded)
	expectEvents(t, order, 1)
}

func TestRefunded(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)

	order := place(t, sim)
	sim.Advance(2 * time.Second)
	expectStatus(t, read(t, order), orders.Paid)
	refund(t, sim, order)
	sim.AwaitWebhooks(2)

	order = read(t, order)
	expectStatus(t, order, orders.Refunded)
	if order.RefundedAmount != order.Amount || sim.Payments()[0].RefundedAmount.Amount != order.Amount {
		t.Errorf("%d were refunded", order.RefundedAmount)
	}
}

func TestHalfAnHourUntilExpiryTakesNoTime(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	halfAnHour := int32((30 * time.Minute).Milliseconds())
	expire := paymentv1.SimulatedOutcome_SIMULATED_OUTCOME_EXPIRE
	sim.Rule(&paymentv1.SimulationOptions{Outcome: expire, DelayMs: &halfAnHour}, 0)

	order := place(t, sim)
	sim.Advance(29 * time.Minute)
	expectStatus(t, read(t, order), orders.Pending)
	sim.Advance(time.Minute)
	expectStatus(t, read(t, order), orders.Expired)
}

func TestWhatOneSessionDeclinesAnotherTakes(t *testing.T) {
	t.Parallel()
	taking, declining := paymentsim.New(t), paymentsim.New(t)
	declining.Rule(&paymentv1.SimulationOptions{Outcome: paymentv1.SimulatedOutcome_SIMULATED_OUTCOME_DECLINE}, 0)

	taken, declined := place(t, taking), place(t, declining)
	taking.Advance(2 * time.Second)
	declining.Advance(2 * time.Second)

	expectStatus(t, read(t, taken), orders.Paid)
	expectStatus(t, read(t, declined), orders.Failed)
}

func TestForgedWebhookIsRefused(t *testing.T) {
	t.Parallel()
	sim := paymentsim.New(t)
	wrong := paymentv1.SimulatedSignature_SIMULATED_SIGNATURE_WRONG_SECRET
	sim.Rule(&paymentv1.SimulationOptions{Delivery: &paymentv1.SimulatedDelivery{Signature: wrong}}, 0)

	order := place(t, sim)
	sim.Advance(2 * time.Second)

	expectAnswers(t, sim, 401)
	if status := sim.Webhooks()[0].Status; status != simulatorv1.DeliveryStatus_DELIVERY_STATUS_SIMULATED {
		t.Errorf("the webhook is %v", status)
	}
	order = read(t, order)
	expectStatus(t, order, orders.Pending)
	expectEvents(t, order, 0)
}

func place(t *testing.T, sim *paymentsim.Session) orders.Order {
	t.Helper()
	return call(t, sim.Header(), http.MethodPost, "/orders", `{"user_id": "user-1", "amount": 120000}`, http.StatusCreated)
}

func read(t *testing.T, order orders.Order) orders.Order {
	t.Helper()
	return call(t, nil, http.MethodGet, "/orders/"+order.ID, "", http.StatusOK)
}

func refund(t *testing.T, sim *paymentsim.Session, order orders.Order) {
	t.Helper()
	call(t, sim.Header(), http.MethodPost, "/orders/"+order.ID+"/refund", "", http.StatusAccepted)
}

func call(t *testing.T, header http.Header, method, path, body string, want int) orders.Order {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, serviceURL+path, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var order orders.Order
	if err := json.NewDecoder(response.Body).Decode(&order); err != nil || response.StatusCode != want {
		t.Fatalf("%s %s answered %d, %v", method, path, response.StatusCode, err)
	}
	return order
}

func expectStatus(t *testing.T, order orders.Order, want orders.Status) {
	t.Helper()
	if order.Status != want {
		t.Errorf("the order is %s, not %s", order.Status, want)
	}
}

func expectEvents(t *testing.T, order orders.Order, want int) {
	t.Helper()
	if order.Events != want {
		t.Errorf("%d events have changed the order, not %d", order.Events, want)
	}
}

// expectAnswers holds what the service answered to each attempt at the only webhook.
func expectAnswers(t *testing.T, sim *paymentsim.Session, want ...int32) {
	t.Helper()
	webhooks := sim.Webhooks()
	if len(webhooks) != 1 {
		t.Fatalf("%d webhooks", len(webhooks))
	}
	var got []int32
	for _, attempt := range webhooks[0].Attempts {
		got = append(got, attempt.StatusCode)
	}
	if !slices.Equal(got, want) {
		t.Errorf("attempts were answered %v, not %v", got, want)
	}
}

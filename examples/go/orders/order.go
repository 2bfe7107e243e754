package orders

import "sync"

// Status is where an order stands.
type Status string

const (
	Pending  Status = "PENDING"
	Paid     Status = "PAID"
	Failed   Status = "FAILED"
	Expired  Status = "EXPIRED"
	Refunded Status = "REFUNDED"
)

// What the gateway says of a payment, in the words of an order.
var statusOfPayment = map[string]Status{
	"PAYMENT_STATUS_COMPLETED": Paid,
	"PAYMENT_STATUS_FAILED":    Failed,
	"PAYMENT_STATUS_CANCELLED": Failed,
	"PAYMENT_STATUS_EXPIRED":   Expired,
	"PAYMENT_STATUS_REFUNDED":  Refunded,
}

// Order as callers see it.
type Order struct {
	ID             string `json:"order_id"`
	UserID         string `json:"user_id"`
	Amount         int64  `json:"amount"`
	Status         Status `json:"status"`
	FailureCode    string `json:"failure_code,omitempty"`
	RefundedAmount int64  `json:"refunded_amount,omitempty"`
	// How many events have changed it.
	Events int `json:"events"`

	paymentID    string
	lastSequence int
	handled      map[string]bool
}

// Event is the body of a webhook, as far as orders need it.
type Event struct {
	ID             string `json:"event_id"`
	Sequence       int    `json:"sequence"`
	PaymentID      string `json:"payment_id"`
	ReservationID  string `json:"reservation_id"`
	Status         string `json:"status"`
	FailureCode    string `json:"failure_code"`
	RefundedAmount int64  `json:"refunded_amount"`
}

// apply changes the order as the event says, unless it is a repeat or a newer one was handled.
func (o *Order) apply(event Event) {
	if o.handled[event.ID] || event.Sequence < o.lastSequence {
		return
	}
	o.handled[event.ID] = true
	o.lastSequence = event.Sequence
	o.Events++
	o.paymentID = event.PaymentID
	o.Status = statusOfPayment[event.Status]
	o.FailureCode = event.FailureCode
	o.RefundedAmount = event.RefundedAmount
}

// store has all orders, in memory.
type store struct {
	mu     sync.Mutex
	orders map[string]*Order
}

func (s *store) add(order *Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[order.ID] = order
}

// read copies an order; false when there is none.
func (s *store) read(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, ok := s.orders[id]
	if !ok {
		return Order{}, false
	}
	return *order, true
}

// change says whether there is such an order.
func (s *store) change(id string, change func(*Order)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, ok := s.orders[id]
	if ok {
		change(order)
	}
	return ok
}

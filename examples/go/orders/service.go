// Package orders has orders paid by a payment gateway, which tells the outcome by webhook.
package orders

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// WebhookPath is where the gateway tells outcomes.
const WebhookPath = "/webhooks/payments"

const maxBodyBytes = 64 << 10

// Service takes orders by HTTP.
type Service struct {
	gateway    *Gateway
	webhook    *standardwebhooks.Webhook
	webhookURL string
	orders     store
}

// NewService makes a service whose webhooks come to webhookURL, signed with the secret.
func NewService(gateway *Gateway, secret, webhookURL string) (*Service, error) {
	// A secret that begins with whsec_ is base64; any other one is taken as it is.
	newWebhook := func(secret string) (*standardwebhooks.Webhook, error) {
		return standardwebhooks.NewWebhookRaw([]byte(secret))
	}
	if strings.HasPrefix(secret, "whsec_") {
		newWebhook = standardwebhooks.NewWebhook
	}
	webhook, err := newWebhook(secret)
	if err != nil {
		return nil, err
	}
	return &Service{gateway, webhook, webhookURL, store{orders: map[string]*Order{}}}, nil
}

// Handler serves orders and webhooks.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("GET /orders/{id}", s.read)
	mux.HandleFunc("POST /orders/{id}/refund", s.refund)
	mux.HandleFunc("POST "+WebhookPath, s.receive)
	return http.MaxBytesHandler(mux, maxBodyBytes)
}

func (s *Service) place(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		UserID string `json:"user_id"`
		Amount int64  `json:"amount"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.UserID == "" || wanted.Amount <= 0 {
		answer(w, http.StatusBadRequest, failure{Error: `an order is {"user_id": "user-1", "amount": 120000}`})
		return
	}
	order := &Order{
		ID:      "order-" + rand.Text(),
		UserID:  wanted.UserID,
		Amount:  wanted.Amount,
		Status:  Pending,
		handled: map[string]bool{},
	}
	// The order is there before the gateway is asked: the webhook may come before the answer.
	s.orders.add(order)
	ctx := withBaggage(r.Context(), r.Header.Get("baggage"))
	paymentID, err := s.gateway.createPayment(ctx, *order, s.webhookURL)
	if err != nil {
		// The order stays: the gateway may have made the payment all the same, and tells so by webhook.
		answerGatewayFailure(w, err, order.ID)
		return
	}
	s.orders.change(order.ID, func(order *Order) { order.paymentID = paymentID })
	placed, _ := s.orders.read(order.ID)
	answer(w, http.StatusCreated, placed)
}

func (s *Service) read(w http.ResponseWriter, r *http.Request) {
	order, ok := s.orders.read(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer(w, http.StatusOK, order)
}

func (s *Service) refund(w http.ResponseWriter, r *http.Request) {
	order, ok := s.orders.read(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := s.gateway.refund(withBaggage(r.Context(), r.Header.Get("baggage")), order); err != nil {
		answerGatewayFailure(w, err, order.ID)
		return
	}
	// Its webhook makes the order REFUNDED. Events alone change orders: their sequence says which is the newest.
	answer(w, http.StatusAccepted, order)
}

func (s *Service) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := s.webhook.Verify(body, r.Header); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var event Event
	if err := json.Unmarshal(body, &event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !s.orders.change(event.ReservationID, func(order *Order) { order.apply(event) }) {
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type failure struct {
	Error   string `json:"error"`
	OrderID string `json:"order_id,omitempty"`
}

func answerGatewayFailure(w http.ResponseWriter, err error, orderID string) {
	code := http.StatusBadGateway
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		code = http.StatusServiceUnavailable
	case codes.InvalidArgument:
		code = http.StatusBadRequest
	case codes.FailedPrecondition:
		code = http.StatusConflict
	}
	answer(w, code, failure{"the payment gateway: " + status.Convert(err).Message(), orderID})
}

func answer(w http.ResponseWriter, code int, content any) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // a caller who is gone reads nothing
}

package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	paymentv1 "example.com/order-service/gen/payment/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	maxIDLength         = 128
	maxTextLength       = 512
	maxTagNameLength    = 64
	maxTags             = 50
	maxWebhookURLLength = 2048
	maxAmount           = 1<<53 - 1
	maxDelayMs          = 86_400_000
)

type violations []*errdetails.BadRequest_FieldViolation

func (v *violations) add(field, description string) {
	*v = append(*v, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
}

// Names every bad field at once.
func validateCreate(request *paymentv1.CreatePaymentIntentRequest, key string) error {
	var found violations
	found.requireID("reservation_id", request.GetReservationId())
	found.requireID("user_id", request.GetUserId())
	if key != "" {
		found.checkText("idempotency_key", key)
	}
	found.checkAmount(request)
	if _, known := paymentv1.PaymentScenario_name[int32(request.GetScenario())]; !known {
		found.add("scenario", "must be one of the scenarios of the contract")
	}
	if _, known := paymentv1.PaymentMethod_name[int32(request.GetMethod())]; !known {
		found.add("method", "must be one of the methods of the contract")
	}
	if address := request.GetWebhookUrl(); address != "" {
		found.checkWebhookURL(address)
	}
	if metadata := request.GetMetadata(); metadata != nil {
		found.checkMetadata(metadata)
	}
	if delay := request.GetSimulation().GetDelayMs(); delay < 0 || delay > maxDelayMs {
		found.add("simulation.delay_ms", fmt.Sprintf("must be a whole number from 0 to %d", maxDelayMs))
	}
	if len(found) == 0 {
		return nil
	}
	refusal, err := status.New(codes.InvalidArgument, "the request is invalid").
		WithDetails(&errdetails.BadRequest{FieldViolations: found})
	if err != nil {
		return err
	}
	return refusal.Err()
}

func (v *violations) requireID(field, id string) {
	switch {
	case id == "":
		v.add(field, "is required")
	case id == "." || id == "..":
		v.add(field, `must not be "." or ".."`)
	case strings.ContainsAny(id, `/\`):
		v.add(field, "must be without slashes and backslashes")
	default:
		v.checkText(field, id)
	}
}

func (v *violations) checkText(field, text string) {
	switch {
	case utf8.RuneCountInString(text) > maxIDLength:
		v.add(field, fmt.Sprintf("must be at most %d characters long", maxIDLength))
	case strings.ContainsFunc(text, isInvisible):
		v.add(field, "must be without control and invisible characters")
	case strings.TrimSpace(text) != text:
		v.add(field, "must not begin or end with a blank")
	}
}

func isInvisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}

func (v *violations) checkAmount(request *paymentv1.CreatePaymentIntentRequest) {
	amount := request.GetAmount()
	if amount == nil {
		v.add("amount", "is required")
		return
	}
	if amount.GetAmount() <= 0 || amount.GetAmount() > maxAmount {
		v.add("amount.amount", fmt.Sprintf("must be a whole number from 1 to %d", maxAmount))
	}
	if amount.GetCurrency() == "" {
		v.add("amount.currency", "is required")
	} else if _, known := knownCurrencies[amount.GetCurrency()]; !known {
		v.add("amount.currency", "is not an ISO 4217 currency code in upper case")
	}
}

func (v *violations) checkWebhookURL(address string) {
	if len(address) > maxWebhookURLLength {
		v.add("webhook_url", fmt.Sprintf("must be at most %d characters long", maxWebhookURLLength))
		return
	}
	parsed, err := url.Parse(address)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" || parsed.User != nil {
		v.add("webhook_url", "must be an http or https URL without credentials")
	}
}

func (v *violations) checkMetadata(metadata *paymentv1.PaymentMetadata) {
	v.checkLength("metadata.source", metadata.GetSource(), maxTextLength)
	v.checkLength("metadata.user_agent", metadata.GetUserAgent(), maxTextLength)
	v.checkLength("metadata.ip_address", metadata.GetIpAddress(), maxTextLength)
	v.checkLength("metadata.session_id", metadata.GetSessionId(), maxTextLength)
	v.checkLength("metadata.scenario", metadata.GetScenario(), maxTextLength)
	if len(metadata.GetTags()) > maxTags {
		v.add("metadata.tags", fmt.Sprintf("must be at most %d", maxTags))
		return
	}
	for name, value := range metadata.GetTags() {
		v.checkLength("metadata.tags", name, maxTagNameLength)
		v.checkLength("metadata.tags["+name+"]", value, maxTextLength)
	}
}

func (v *violations) checkLength(field, text string, maxLength int) {
	if utf8.RuneCountInString(text) > maxLength {
		v.add(field, fmt.Sprintf("must be at most %d characters long", maxLength))
	}
}

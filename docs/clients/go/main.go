// Creates a payment, reads it, settles it, and shows what a wrong request is answered.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	commonv1 "github.com/traffic-tacos/proto-contracts/gen/go/common/v1"
	paymentv1 "github.com/traffic-tacos/proto-contracts/gen/go/payment/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

func main() {
	target := "localhost:8030"
	if len(os.Args) > 1 {
		target = os.Args[1]
	}
	// WithInsecure is the name up to grpc-go 1.34; today it is
	// grpc.WithTransportCredentials(insecure.NewCredentials()).
	conn, err := grpc.Dial(target, grpc.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := paymentv1.NewPaymentServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	created, err := client.CreatePaymentIntent(ctx, &paymentv1.CreatePaymentIntentRequest{
		ReservationId: "reservation-1",
		UserId:        "user-1",
		Amount:        &commonv1.Money{Amount: 120000, Currency: "KRW"},
		Scenario:      paymentv1.PaymentScenario_PAYMENT_SCENARIO_APPROVE,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("created  ", created.PaymentIntentId, created.Status)

	found, err := client.GetPaymentStatus(ctx, &paymentv1.GetPaymentStatusRequest{
		PaymentIntentId: created.PaymentIntentId,
		UserId:          "user-1",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("status   ", found.Payment.Status)

	processed, err := client.ProcessPayment(ctx, &paymentv1.ProcessPaymentRequest{
		PaymentIntentId: created.PaymentIntentId,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("processed", processed.Status, processed.TransactionId)

	_, err = client.CreatePaymentIntent(ctx, &paymentv1.CreatePaymentIntentRequest{ReservationId: "reservation-1"})
	refusal := status.Convert(err)
	fmt.Println("refused  ", refusal.Code())
	for _, detail := range refusal.Details() {
		if badRequest, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range badRequest.FieldViolations {
				fmt.Printf("  %s: %s\n", violation.Field, violation.Description)
			}
		}
	}
}

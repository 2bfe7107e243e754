// The order service: takes orders by HTTP, and has them paid by a payment gateway.
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"

	"example.com/order-service/orders"
)

func main() {
	address := cmp.Or(os.Getenv("ADDRESS"), "127.0.0.1:9000")
	gateway, err := orders.NewGateway(cmp.Or(os.Getenv("GATEWAY"), "localhost:8030"))
	if err != nil {
		log.Fatal(err)
	}
	defer gateway.Close()
	secret := cmp.Or(os.Getenv("WEBHOOK_SECRET"), "payment-sim-dev-secret")
	publicURL := cmp.Or(os.Getenv("PUBLIC_URL"), "http://"+address)
	service, err := orders.NewService(gateway, secret, publicURL+orders.WebhookPath)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", address)
	log.Fatal(http.ListenAndServe(address, service.Handler()))
}

// Receives webhooks and verifies them, with nothing but the standard library.
//
//	go run main.go                        listens on 127.0.0.1:9000
//	go run main.go signature-vectors.json checks itself against test/fixtures/signature-vectors.json
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	errMissingHeader   = errors.New("MissingHeader")
	errMalformedHeader = errors.New("MalformedHeader")
	errMismatch        = errors.New("SignatureMismatch")
	errTimestamp       = errors.New("TimestampOutOfTolerance")
)

// verifyWebhook checks the Standard Webhooks headers of a webhook, which Payment Sim always sends.
// body is the raw body; several secrets are accepted while they are rotated.
func verifyWebhook(body []byte, header http.Header, secrets []string, tolerance time.Duration, now time.Time) error {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	signatures := header.Get("webhook-signature")
	if id == "" || timestamp == "" || signatures == "" {
		return errMissingHeader
	}
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil || !strings.Contains(" "+signatures, " v1,") {
		return errMalformedHeader
	}
	genuine := false
	for _, secret := range secrets {
		key := []byte(secret)
		if strings.HasPrefix(secret, "whsec_") {
			if key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil {
				return err
			}
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, signature := range strings.Split(signatures, " ") {
			genuine = hmac.Equal([]byte(signature), expected) || genuine
		}
	}
	if !genuine {
		return errMismatch
	}
	age := now.Sub(time.Unix(int64(seconds), 0))
	if age > tolerance || age < -tolerance {
		return errTimestamp
	}
	return nil
}

func main() {
	if len(os.Args) > 1 {
		checkVectors(os.Args[1])
		return
	}
	secrets := []string{"payment-sim-dev-secret"}
	if fromEnv := os.Getenv("WEBHOOK_SECRET"); fromEnv != "" {
		secrets = strings.Split(fromEnv, ",")
	}
	address := "127.0.0.1:9000"
	if port := os.Getenv("PORT"); port != "" {
		address = "127.0.0.1:" + port
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err == nil {
			err = verifyWebhook(body, r.Header, secrets, 5*time.Minute, time.Now())
		}
		if err != nil {
			fmt.Println("REFUSED", err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Println("genuine", string(body))
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe(address, nil))
}

func checkVectors(path string) {
	var file struct {
		Vectors []struct {
			Name      string
			Secrets   []string
			Now       int64
			Tolerance int64  `json:"tolerance_seconds"`
			Body      []byte `json:"body_base64"`
			Headers   map[string]string
			Valid     bool
			Reason    string
		}
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		log.Fatal(err)
	}
	checked, skipped := 0, 0
	for _, v := range file.Vectors {
		header := http.Header{}
		for name, value := range v.Headers {
			header.Set(name, value)
		}
		if len(v.Headers) == 1 && header.Get("x-webhook-signature") != "" {
			skipped++ // verifyWebhook wants the Standard Webhooks headers
			continue
		}
		err := verifyWebhook(v.Body, header, v.Secrets, time.Duration(v.Tolerance)*time.Second, time.Unix(v.Now, 0))
		if (err == nil) != v.Valid || (err != nil && err.Error() != v.Reason) {
			log.Fatalf("%s: got %v, want %q", v.Name, err, v.Reason)
		}
		checked++
	}
	fmt.Printf("%d vectors right, %d with X-Webhook-Signature alone skipped\n", checked, skipped)
}

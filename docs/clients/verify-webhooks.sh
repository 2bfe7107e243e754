#!/usr/bin/env bash
# Checks the webhook receivers in Go and Kotlin against test/fixtures/signature-vectors.json.
# Packages of Debian 12: golang-go kotlin default-jdk-headless jq
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
vectors="$here/../../test/fixtures/signature-vectors.json"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

echo "== Go: $(go version | cut -d' ' -f3)"
GO111MODULE=off GOCACHE="$work/go-cache" go run "$here/go/webhook-receiver/main.go" "$vectors"

echo
echo "== Kotlin $(dpkg-query -W -f '${Version}' kotlin)"
# A line per vector, without those that have X-Webhook-Signature alone.
jq -r '.vectors[] | select((.headers | keys) != ["x-webhook-signature"]) |
  [.name, (.secrets | map(@base64) | join(",")), .now, .tolerance_seconds, .body_base64,
   (.headers | .["webhook-id"], .["webhook-timestamp"], .["webhook-signature"]), .reason] |
  map(. // "") | map(tostring) | join("\t")' "$vectors" >"$work/vectors.tsv"
kotlinc -nowarn -d "$work/classes" "$here/kotlin/WebhookReceiver.kt" 2>/dev/null
java -cp "$work/classes:/usr/share/java/kotlin-stdlib.jar" WebhookReceiverKt "$work/vectors.tsv"

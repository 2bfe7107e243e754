#!/usr/bin/env bash
# Compiles the Go and the Kotlin client with Debian 12's own packages and runs them against a service.
#   usage: bash docs/clients/verify.sh [host:port]
# Packages: golang-go golang-google-grpc-dev golang-google-genproto-dev golang-google-protobuf-dev
#   golang-goprotobuf-dev protobuf-compiler protobuf-compiler-grpc-java-plugin libgrpc-java
#   libprotobuf-java libperfmark-java libnetty-java kotlin default-jdk-headless
set -euo pipefail
target="${1:-localhost:8030}"
here="$(cd "$(dirname "$0")" && pwd)"
proto="$here/../../proto"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

echo "== Go: $(go version | cut -d' ' -f3), grpc-go $(dpkg-query -W -f '${Version}' golang-google-grpc-dev)"
export GO111MODULE=off GOPATH="$work/go:/usr/share/gocode" GOCACHE="$work/go-cache"
mkdir -p "$work/go/src" "$work/client"
go build -o "$work/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
go build -o "$work/protoc-gen-go-grpc" google.golang.org/grpc/cmd/protoc-gen-go-grpc
protoc -I "$proto" \
  --plugin="$work/protoc-gen-go" --go_out="$work/go/src" \
  --plugin="$work/protoc-gen-go-grpc" --go-grpc_out="$work/go/src" \
  payment/v1/payment.proto common/v1/money.proto
cp "$here/go/main.go" "$here/go/debian12/codec.go" "$work/client"
go build -o "$work/client/client" "$work/client/main.go" "$work/client/codec.go"
"$work/client/client" "$target"

echo
echo "== Kotlin $(dpkg-query -W -f '${Version}' kotlin), grpc-java $(dpkg-query -W -f '${Version}' libgrpc-java)"
mkdir -p "$work/java" "$work/classes"
protoc -I "$proto" -I "$here/kotlin/debian12" \
  --plugin=protoc-gen-grpc-java=/usr/bin/grpc_java_plugin --java_out="$work/java" --grpc-java_out="$work/java" \
  payment/v1/payment.proto common/v1/money.proto google/rpc/error_details.proto google/rpc/code.proto google/rpc/status.proto
jars="$(printf '/usr/share/java/%s.jar:' \
  grpc-api grpc-context grpc-core grpc-netty grpc-protobuf grpc-protobuf-lite grpc-stub protobuf guava jsr305 \
  geronimo-annotation-1.3-spec perfmark-api perfmark-impl opencensus-api error_prone_annotations netty-all \
  netty-buffer netty-codec netty-codec-http netty-codec-http2 netty-codec-socks netty-common netty-handler \
  netty-handler-proxy netty-resolver netty-transport netty-transport-native-unix-common kotlin-stdlib)"
find "$work/java" -name '*.java' >"$work/sources"
javac -nowarn -d "$work/classes" -cp "$jars" @"$work/sources"
kotlinc -nowarn -cp "$work/classes:$jars" -d "$work/classes" "$here/kotlin/Main.kt" 2>/dev/null
java -cp "$work/classes:$jars" MainKt "$target"

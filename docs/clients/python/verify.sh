#!/usr/bin/env bash
# Generates the Python stubs with Debian 12's own packages and runs the client against a service.
#   usage: bash docs/clients/python/verify.sh [host:port]
# Packages: python3-grpcio protobuf-compiler protobuf-compiler-grpc. Debian's python3-grpc-tools is too
#   old for `optional` in proto3; grpcio-tools from PyPI is not.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

protoc -I "$here/../../../proto" -I "$here/../kotlin/debian12" \
  --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin --python_out="$work" --grpc_python_out="$work" \
  payment/v1/payment.proto common/v1/money.proto google/rpc/error_details.proto google/rpc/code.proto google/rpc/status.proto
PYTHONPATH="$work" /usr/bin/python3 "$here/client.py" "${1:-localhost:8030}"

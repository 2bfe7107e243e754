#!/usr/bin/env bash
# Makes the stubs and runs the tests, in a folder of its own that is given: run.sh <folder>
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cd "$1"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
mkdir -p stubs platform
venv/bin/python -m grpc_tools.protoc --proto_path="$here/../../../proto" --python_out=stubs --grpc_python_out=stubs \
  common/v1/money.proto google/rpc/code.proto payment/v1/payment.proto
venv/bin/python -m grpc_tools.protoc --proto_path="$here/../../../proto-platform" --python_out=platform \
  --grpc_python_out=platform common/v1/types.proto common/v1/errors.proto payment/v1/payment.proto
PYTHONPATH="stubs:$here" venv/bin/python -m pytest -v -p no:cacheprovider "$here/test_clients.py"
PYTHONPATH="platform:$here" venv/bin/python -m pytest -v -p no:cacheprovider "$here/test_platform.py"

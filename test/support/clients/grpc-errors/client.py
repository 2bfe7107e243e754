"""Makes the calls that standard input lists, by gRPC's C core, and writes how each one ended."""

import base64
import json
import sys

import grpc

COMPRESSIONS = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}


def end_of(channel, case):
    messages = [base64.b64decode(message) for message in case["messages"]]
    options = {"timeout": case["deadlineMs"] / 1000}
    if "compression" in case:
        options["compression"] = COMPRESSIONS[case["compression"]]
    path, kind = case["path"], case["kind"]
    try:
        if kind == "unary":
            channel.unary_unary(path)(messages[0], **options)
        elif kind == "client_stream":
            channel.stream_unary(path)(iter(messages), **options)
        else:
            call = (
                channel.unary_stream(path)(messages[0], **options)
                if kind == "server_stream"
                else channel.stream_stream(path)(iter(messages), **options)
            )
            for _ in call:
                write({"name": case["name"], "event": "message"})
        return 0, ""
    except grpc.RpcError as error:
        return error.code().value[0], error.details()


def write(value):
    print(json.dumps(value), flush=True)


request = json.load(sys.stdin)
with grpc.insecure_channel(request["target"]) as channel:
    for case in request["cases"]:
        code, message = end_of(channel, case)
        write({"name": case["name"], "code": code, "message": message})

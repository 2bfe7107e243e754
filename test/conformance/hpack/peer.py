"""The hpack of python-hyper, spoken to by lines of JSON: {"encode": [[name, value], ...], "huffman": bool, "size": int or null} and {"decode": hex, "size": int or null}."""

import json
import sys

from hpack import Decoder, Encoder

encoder = Encoder()
decoder = Decoder(max_header_list_size=1 << 24)

for line in sys.stdin:
    call = json.loads(line)
    size = call.get("size")
    if "encode" in call:
        if size is not None:
            encoder.header_table_size = size
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in call["encode"]]
        answer = encoder.encode(fields, huffman=call["huffman"]).hex()
    else:
        if size is not None:
            decoder.max_allowed_table_size = size
        answer = [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in decoder.decode(bytes.fromhex(call["decode"]), raw=True)
        ]
    print(json.dumps(answer), flush=True)

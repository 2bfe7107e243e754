package main

// Debian 12 pairs grpc-go 1.33 with golang/protobuf 1.3, which cannot encode messages of today's
// protoc-gen-go. This codec does it with google.golang.org/protobuf; current modules need no such thing.

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/proto"
)

type codec struct{}

func (codec) Marshal(v interface{}) ([]byte, error) { return proto.Marshal(v.(proto.Message)) }
func (codec) Unmarshal(data []byte, v interface{}) error {
	return proto.Unmarshal(data, v.(proto.Message))
}
func (codec) Name() string { return "proto" }

func init() { encoding.RegisterCodec(codec{}) }

// Makes the one call that standard input describes, by grpc-go with a retry policy, and writes how it ended.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

type request struct {
	Target, Path, ServiceConfig string
	Message                     []byte
}

// raw sends and receives bytes as they are.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return v.([]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	connection, err := grpc.Dial(asked.Target, grpc.WithInsecure(), grpc.WithDefaultServiceConfig(asked.ServiceConfig))
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var answer []byte
	ended := status.Convert(connection.Invoke(ctx, asked.Path, asked.Message, &answer, grpc.ForceCodec(raw{})))
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"code": ended.Code(), "message": ended.Message()})
}

// Makes the calls that standard input lists, by grpc-go, and writes how each one ended.
package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

type call struct {
	Name, Path, Kind, Compression string
	Messages                      [][]byte
	DeadlineMs                    int
}

type request struct {
	Target string
	Cases  []call
}

// raw sends and receives bytes as they are.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return v.([]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

// deflate is a name that the service does not know; what is sent under it is never read.
type deflate struct{}

type open struct{ io.Writer }

func (open) Close() error                                    { return nil }
func (deflate) Compress(w io.Writer) (io.WriteCloser, error) { return open{w}, nil }
func (deflate) Decompress(r io.Reader) (io.Reader, error)    { return r, nil }
func (deflate) Name() string                                 { return "deflate" }

var output = json.NewEncoder(os.Stdout)

func end(connection *grpc.ClientConn, c call) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.DeadlineMs)*time.Millisecond)
	defer cancel()
	options := []grpc.CallOption{grpc.ForceCodec(raw{})}
	if c.Compression != "" {
		options = append(options, grpc.UseCompressor(c.Compression))
	}
	if c.Kind == "unary" {
		var answer []byte
		return connection.Invoke(ctx, c.Path, c.Messages[0], &answer, options...)
	}
	description := &grpc.StreamDesc{ServerStreams: c.Kind != "client_stream", ClientStreams: c.Kind != "server_stream"}
	stream, err := connection.NewStream(ctx, description, c.Path, options...)
	if err != nil {
		return err
	}
	for _, message := range c.Messages {
		if err := stream.SendMsg(message); err != nil {
			break // The answer tells why.
		}
	}
	stream.CloseSend()
	for {
		var answer []byte
		if err := stream.RecvMsg(&answer); err == io.EOF {
			return nil
		} else if err != nil || c.Kind == "client_stream" {
			return err
		}
		output.Encode(map[string]string{"name": c.Name, "event": "message"})
	}
}

func main() {
	encoding.RegisterCompressor(deflate{})
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	connection, err := grpc.Dial(asked.Target, grpc.WithInsecure())
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	for _, c := range asked.Cases {
		ended := status.Convert(end(connection, c))
		output.Encode(map[string]interface{}{"name": c.Name, "code": ended.Code(), "message": ended.Message()})
	}
}

package clients

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// TestThePlatformsContract learns the contract by reflection: stubs of both cannot be in one program, since their
// messages have the same names.
func TestThePlatformsContract(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startService(t, freePort(t), "PLATFORM_GRPC_PORT="+port)
	connection := dial(t, "127.0.0.1:"+port)
	ctx := within(t, 20*time.Second)
	methods := learn(t, ctx, connection)
	call := func(method protoreflect.Name, request string) (string, error) {
		descriptor := methods.ByName(method)
		input, output := dynamicpb.NewMessage(descriptor.Input()), dynamicpb.NewMessage(descriptor.Output())
		if err := protojson.Unmarshal([]byte(request), input); err != nil {
			t.Fatal(err)
		}
		err := connection.Invoke(ctx, "/payment.v1.PaymentService/"+string(method), input, output)
		return field(output, "payment_intent_id") + field(output, "payment", "status"), err
	}

	_, err := call("CreatePaymentIntent", `{"reservation_id": "r"}`)
	if status.Code(err) != codes.InvalidArgument || len(status.Convert(err).Details()) == 0 {
		t.Fatal(err)
	}
	for scenario, want := range map[string]string{"APPROVE": "COMPLETED", "FAIL": "FAILED"} {
		id, err := call("CreatePaymentIntent", `{"reservation_id": "r", "user_id": "u",
			"amount": {"amount": "120000", "currency": "KRW"}, "scenario": "PAYMENT_SCENARIO_`+scenario+`"}`)
		expectCode(t, err, codes.OK)
		for got := ""; got != "PAYMENT_STATUS_"+want; time.Sleep(20 * time.Millisecond) {
			got, err = call("GetPaymentStatus", `{"payment_intent_id": "`+id+`"}`)
			expectCode(t, err, codes.OK)
		}
	}
}

// learn gives the methods of PaymentService as the server describes them.
func learn(t *testing.T, ctx context.Context, connection *grpc.ClientConn) protoreflect.MethodDescriptors {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	expectCode(t, err, codes.OK)
	ask := &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "payment.v1.PaymentService"}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: ask}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	expectCode(t, err, codes.OK)
	set := &descriptorpb.FileDescriptorSet{}
	for _, bytes := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(bytes, file); err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, file)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	service, err := files.FindDescriptorByName("payment.v1.PaymentService")
	if err != nil {
		t.Fatal(err)
	}
	return service.(protoreflect.ServiceDescriptor).Methods()
}

// field gives the text of a field along a path: the name of an enum's value; empty where there is no such field.
func field(message protoreflect.Message, path ...protoreflect.Name) string {
	descriptor := message.Descriptor().Fields().ByName(path[0])
	if descriptor == nil {
		return ""
	}
	value := message.Get(descriptor)
	if len(path) > 1 {
		return field(value.Message(), path[1:]...)
	}
	if enum := descriptor.Enum(); enum != nil {
		return string(enum.Values().ByNumber(value.Enum()).Name())
	}
	return value.String()
}

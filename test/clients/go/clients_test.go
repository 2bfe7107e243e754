package clients

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	commonv1 "example.com/order-service/gen/common/v1"
	paymentv1 "example.com/order-service/gen/payment/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	_ "google.golang.org/grpc/health" // client-side health checking
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

func dial(t *testing.T, target string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	connection, err := grpc.NewClient(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

func order(scenario paymentv1.PaymentScenario) *paymentv1.CreatePaymentIntentRequest {
	return &paymentv1.CreatePaymentIntentRequest{
		ReservationId: "reservation-1",
		UserId:        "user-1",
		Amount:        &commonv1.Money{Amount: 120000, Currency: "KRW"},
		Scenario:      scenario,
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func expectCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Fatalf("%v, want %v", err, want)
	}
}

// behaving makes a call do what the text says.
func behaving(ctx context.Context, text string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "payment-sim-behavior", text)
}

func TestBothOutcomes(t *testing.T) {
	t.Parallel()
	client := paymentv1.NewPaymentServiceClient(dial(t, startService(t, freePort(t)).address))
	ctx := within(t, 20*time.Second)
	for scenario, want := range map[paymentv1.PaymentScenario]paymentv1.PaymentStatus{
		paymentv1.PaymentScenario_PAYMENT_SCENARIO_APPROVE: paymentv1.PaymentStatus_PAYMENT_STATUS_COMPLETED,
		paymentv1.PaymentScenario_PAYMENT_SCENARIO_FAIL:    paymentv1.PaymentStatus_PAYMENT_STATUS_FAILED,
	} {
		created, err := client.CreatePaymentIntent(ctx, order(scenario), grpc.UseCompressor(gzip.Name))
		expectCode(t, err, codes.OK)
		if created.Status != paymentv1.PaymentStatus_PAYMENT_STATUS_PENDING {
			t.Fatal(created)
		}
		for {
			read, err := client.GetPaymentStatus(ctx, &paymentv1.GetPaymentStatusRequest{PaymentIntentId: created.PaymentIntentId})
			expectCode(t, err, codes.OK)
			if read.Payment.Status == want {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestRefusalsHaveTheirDetails(t *testing.T) {
	t.Parallel()
	client := paymentv1.NewPaymentServiceClient(dial(t, startService(t, freePort(t)).address))
	_, err := client.CreatePaymentIntent(within(t, 20*time.Second), &paymentv1.CreatePaymentIntentRequest{ReservationId: "r"})
	expectCode(t, err, codes.InvalidArgument)
	var fields []string
	for _, detail := range status.Convert(err).Details() {
		if badRequest, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range badRequest.FieldViolations {
				fields = append(fields, violation.Field)
			}
		}
	}
	if len(fields) != 2 || fields[0] != "user_id" || fields[1] != "amount" {
		t.Fatal(fields)
	}
}

func TestWhatDoesNotExistIsUnimplemented(t *testing.T) {
	t.Parallel()
	connection := dial(t, startService(t, freePort(t)).address)
	ctx := within(t, 20*time.Second)
	for _, method := range []string{"/payment.v1.PaymentService/Pay", "/payment.v9.PaymentService/Pay", "/a/b"} {
		expectCode(t, connection.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}), codes.Unimplemented)
		stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		expectCode(t, err, codes.OK)
		expectCode(t, stream.RecvMsg(&emptypb.Empty{}), codes.Unimplemented)
	}
}

func TestDeadlinesAndCancelsReachTheService(t *testing.T) {
	t.Parallel()
	sim := startService(t, freePort(t))
	client := paymentv1.NewPaymentServiceClient(dial(t, sim.address))
	ctx := within(t, 20*time.Second)
	late := behaving(ctx, `{"api": {"delay_ms": 20000}}`)

	short, cancel := context.WithTimeout(late, 200*time.Millisecond)
	defer cancel()
	_, err := client.CreatePaymentIntent(short, order(0))
	expectCode(t, err, codes.DeadlineExceeded)

	cancelled, cancelNow := context.WithCancel(late)
	time.AfterFunc(100*time.Millisecond, cancelNow)
	_, err = client.CreatePaymentIntent(cancelled, order(0))
	expectCode(t, err, codes.Canceled)

	listed, err := client.ListPayments(ctx, &paymentv1.ListPaymentsRequest{UserId: "user-1"})
	expectCode(t, err, codes.OK)
	if len(listed.Payments) != 0 {
		t.Fatal("a call that was given up has made a payment")
	}
}

func TestKeepaliveWithoutCallsKeepsTheConnection(t *testing.T) {
	t.Parallel()
	sim := startService(t, freePort(t))
	// grpc-go pings no more often than every ten seconds.
	pings := keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}
	connection := dial(t, sim.address, grpc.WithKeepaliveParams(pings))
	client := paymentv1.NewPaymentServiceClient(connection)
	_, err := client.CreatePaymentIntent(within(t, 20*time.Second), order(0))
	expectCode(t, err, codes.OK)
	state := connection.GetState()
	if connection.WaitForStateChange(within(t, 25*time.Second), state) {
		t.Fatalf("%v became %v: %s", state, connection.GetState(), sim.logged())
	}
}

// grpc-go measures its connection with a PING upon nearly each answer, which is no flood.
func TestManyCallsOneAfterAnotherKeepTheConnection(t *testing.T) {
	t.Parallel()
	sim := startService(t, freePort(t))
	connection := dial(t, sim.address)
	client := paymentv1.NewPaymentServiceClient(connection)
	ctx := within(t, 60*time.Second)
	created, err := client.CreatePaymentIntent(ctx, order(0))
	expectCode(t, err, codes.OK)
	watch, err := healthv1.NewHealthClient(connection).Watch(ctx, &healthv1.HealthCheckRequest{Service: "readiness"})
	expectCode(t, err, codes.OK)
	_, err = watch.Recv()
	expectCode(t, err, codes.OK)
	ended := make(chan error, 1)
	go func() {
		_, err := watch.Recv()
		ended <- err
	}()
	for range 20_000 {
		_, err := client.GetPaymentStatus(ctx, &paymentv1.GetPaymentStatusRequest{PaymentIntentId: created.PaymentIntentId})
		expectCode(t, err, codes.OK)
	}
	select {
	case err := <-ended:
		t.Fatal("the watch of health on this connection has ended: ", err)
	default:
	}
}

func TestACallWaitsForTheServiceToComeBack(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	first := startService(t, port)
	client := paymentv1.NewPaymentServiceClient(dial(t, first.address))
	ctx := within(t, 40*time.Second)
	_, err := client.CreatePaymentIntent(ctx, order(0))
	expectCode(t, err, codes.OK)
	first.stop()
	_, err = client.CreatePaymentIntent(ctx, order(0))
	expectCode(t, err, codes.Unavailable)
	answered := make(chan error)
	go func() {
		_, err := client.CreatePaymentIntent(ctx, order(0), grpc.WaitForReady(true))
		answered <- err
	}()
	startService(t, port)
	expectCode(t, <-answered, codes.OK)
}

func TestCallsInFlightEndWithAnOrderlyStop(t *testing.T) {
	t.Parallel()
	sim := startService(t, freePort(t))
	client := paymentv1.NewPaymentServiceClient(dial(t, sim.address))
	ctx := within(t, 30*time.Second)
	const calls = 20
	answered := make(chan error, calls)
	for range calls {
		go func() {
			_, err := client.CreatePaymentIntent(behaving(ctx, `{"api": {"delay_ms": 1500}}`), order(0))
			answered <- err
		}()
	}
	time.Sleep(500 * time.Millisecond)
	sim.terminate()
	for range calls {
		expectCode(t, <-answered, codes.OK)
	}
	<-sim.ended
}

func TestHealthOfEachReplicaDecidesWhereCallsGo(t *testing.T) {
	t.Parallel()
	one, other := startService(t, freePort(t)), startService(t, freePort(t))
	replicas := manual.NewBuilderWithScheme("replicas")
	replicas.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: one.address}, {Addr: other.address}}})
	connection := dial(t, "replicas:///payment-sim", grpc.WithResolvers(replicas), grpc.WithDefaultServiceConfig(
		`{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": "payment.v1.PaymentService"}}`))
	client := paymentv1.NewPaymentServiceClient(connection)
	ctx := within(t, 30*time.Second)
	pay := func(times int) {
		for range times {
			_, err := client.CreatePaymentIntent(ctx, order(0), grpc.WaitForReady(true))
			expectCode(t, err, codes.OK)
		}
	}
	atOther := paymentv1.NewPaymentServiceClient(dial(t, other.address))
	count := func() int32 {
		list, err := atOther.ListPayments(ctx, &paymentv1.ListPaymentsRequest{UserId: "user-1"})
		expectCode(t, err, codes.OK)
		return list.GetPageInfo().GetTotalCount()
	}
	// It has calls as soon as there is a connection to it.
	for count() == 0 {
		pay(1)
	}
	one.stop()
	before := count()
	pay(20)
	if after := count(); after != before+20 {
		t.Fatalf("%d payments at the other, %d before", after, before)
	}
}

func TestAWatchOfHealthThatRunsOutIsNoError(t *testing.T) {
	t.Parallel()
	sim := startService(t, freePort(t))
	watch, err := healthv1.NewHealthClient(dial(t, sim.address)).Watch(within(t, 700*time.Millisecond),
		&healthv1.HealthCheckRequest{Service: "readiness"})
	expectCode(t, err, codes.OK)
	for {
		answer, err := watch.Recv()
		if err != nil {
			expectCode(t, err, codes.DeadlineExceeded)
			break
		}
		if answer.Status != healthv1.HealthCheckResponse_SERVING {
			t.Fatal(answer)
		}
	}
	sim.stop()
	if lines := sim.errors(); len(lines) > 0 {
		t.Fatal(lines)
	}
}

func TestReflectionNamesTheServices(t *testing.T) {
	t.Parallel()
	client := reflectionv1.NewServerReflectionClient(dial(t, startService(t, freePort(t)).address))
	stream, err := client.ServerReflectionInfo(within(t, 20*time.Second))
	expectCode(t, err, codes.OK)
	ask := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	expectCode(t, err, codes.OK)
	names := map[string]bool{}
	for _, service := range answer.GetListServicesResponse().GetService() {
		names[service.Name] = true
	}
	if !names["payment.v1.PaymentService"] || !names["grpc.health.v1.Health"] {
		t.Fatal(names)
	}
	stream.CloseSend()
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

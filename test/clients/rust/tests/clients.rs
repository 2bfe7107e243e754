//! What tonic, as it is today, sees of the service.

mod platform;
mod service;

mod contract {
    include!(concat!(env!("OUT_DIR"), "/contract/mod.rs"));
}

use std::{cell::Cell, collections::HashSet, time::Duration};

use contract::{
    common::v1::Money,
    payment::v1::{
        CreatePaymentIntentRequest, CreatePaymentIntentResponse, GetPaymentStatusRequest, ListPaymentsRequest,
        PaymentMetadata, PaymentScenario, PaymentStatus, payment_service_client::PaymentServiceClient,
    },
};
use futures_util::{future::join_all, stream};
use service::{Service, free_port};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep, timeout},
};
use tonic::{
    Code, Request, Response, Status,
    client::Grpc,
    codec::CompressionEncoding,
    codegen::http::uri::PathAndQuery,
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt;

type Client = PaymentServiceClient<Channel>;

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const LATE: &str = r#"{"api": {"delay_ms": 20000}}"#;

fn endpoint(address: &str) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .timeout(PATIENCE)
}

fn channel(service: &Service) -> Channel {
    endpoint(&service.address).connect_lazy()
}

fn client(service: &Service) -> Client {
    Client::new(channel(service))
}

fn order(scenario: PaymentScenario) -> CreatePaymentIntentRequest {
    CreatePaymentIntentRequest {
        reservation_id: "reservation-1".into(),
        user_id: "user-1".into(),
        amount: Some(Money {
            amount: 120_000,
            currency: "KRW".into(),
        }),
        scenario: scenario.into(),
        ..Default::default()
    }
}

fn any_order() -> CreatePaymentIntentRequest {
    order(PaymentScenario::Unspecified)
}

/// An order whose call does what the text says.
fn order_behaving(text: &str) -> Request<CreatePaymentIntentRequest> {
    let mut request = Request::new(any_order());
    request
        .metadata_mut()
        .insert("payment-sim-behavior", text.parse().unwrap());
    request
}

async fn count_payments(mut client: Client) -> i32 {
    let request = ListPaymentsRequest {
        user_id: "user-1".into(),
        ..Default::default()
    };
    let list = client.list_payments(request).await.unwrap().into_inner();
    list.page_info.unwrap().total_count
}

/// Waits until the payment has the status; the metadata of the answer that says so.
async fn wait_for_status(client: &mut Client, id: &str, want: PaymentStatus) -> MetadataMap {
    let request = GetPaymentStatusRequest {
        payment_intent_id: id.into(),
        ..Default::default()
    };
    loop {
        let read = client.get_payment_status(request.clone()).await.unwrap();
        let (headers, read, _) = read.into_parts();
        if read.payment.unwrap().status() == want {
            return headers;
        }
        sleep(POLL).await;
    }
}

/// An order so long that its answers are worth compressing.
fn long_order(scenario: PaymentScenario) -> CreatePaymentIntentRequest {
    let metadata = PaymentMetadata {
        source: "s".repeat(512),
        user_agent: "u".repeat(512),
        session_id: "i".repeat(512),
        ..Default::default()
    };
    CreatePaymentIntentRequest {
        metadata: Some(metadata),
        ..order(scenario)
    }
}

async fn expect_outcome(client: &mut Client, scenario: PaymentScenario, want: PaymentStatus) {
    let created = client.create_payment_intent(long_order(scenario)).await.unwrap();
    let created = created.into_inner();
    assert_eq!(created.status(), PaymentStatus::Pending);
    let settled = wait_for_status(client, &created.payment_intent_id, want);
    let headers = timeout(PATIENCE, settled).await.unwrap();
    assert_eq!(headers.get("grpc-encoding").unwrap(), "gzip");
}

#[tokio::test]
async fn both_outcomes_with_gzip() {
    let service = Service::start().await;
    let mut client = client(&service)
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    expect_outcome(&mut client, PaymentScenario::Approve, PaymentStatus::Completed).await;
    expect_outcome(&mut client, PaymentScenario::Fail, PaymentStatus::Failed).await;
}

#[tokio::test]
async fn refusals_have_their_details() {
    let service = Service::start().await;
    let request = CreatePaymentIntentRequest {
        reservation_id: "r".into(),
        ..Default::default()
    };
    let refused = client(&service).create_payment_intent(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| &violation.field).collect();
    assert_eq!(fields, ["user_id", "amount"]);
}

async fn call_unary(channel: Channel, path: PathAndQuery) -> Result<Response<()>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    grpc.unary(Request::new(()), path, ProstCodec::default()).await
}

async fn call_bidi(channel: Channel, path: PathAndQuery) -> Result<Option<()>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    // A stream that stays open, so that the answer cannot be to its end.
    let requests = Request::new(stream::pending::<()>());
    let answers = grpc.streaming(requests, path, ProstCodec::default()).await?;
    answers.into_inner().message().await
}

#[tokio::test]
async fn what_does_not_exist_is_unimplemented() {
    let service = Service::start().await;
    let channel = channel(&service);
    for path in [
        "/payment.v1.PaymentService/Pay",
        "/payment.v9.PaymentService/Pay",
        "/a/b",
    ] {
        let path = PathAndQuery::from_static(path);
        let refused = call_unary(channel.clone(), path.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{path}: {refused}");
        let refused = call_bidi(channel.clone(), path.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{path}: {refused}");
    }
}

#[tokio::test]
async fn deadlines_reach_the_service() {
    let service = Service::start().await;
    let mut client = client(&service);
    // Connected before the time runs.
    assert_eq!(count_payments(client.clone()).await, 0);
    let mut request = order_behaving(LATE);
    request.set_timeout(Duration::from_secs(1));
    let late = client.create_payment_intent(request).await.unwrap_err();
    // tonic keeps the time as well; when it is first it calls that CANCELLED, and resets the stream.
    assert!(
        matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{late}"
    );
    service.logs(r#""msg":"Call refused""#).await;
    assert_eq!(count_payments(client).await, 0);
}

#[tokio::test]
async fn cancels_reach_the_service() {
    let service = Service::start().await;
    let client = client(&service);
    let mut payer = client.clone();
    tokio::select! {
        biased;
        answer = payer.create_payment_intent(order_behaving(LATE)) => panic!("{answer:?}"),
        // Sent after the call on the same connection: its answer says that the call is there.
        count = count_payments(client.clone()) => assert_eq!(count, 0),
    }
    service.logs(r#""grpc_code":"Canceled""#).await;
    assert_eq!(count_payments(client).await, 0);
}

/// Passes on what it reads, until its end, and counts the pings of HTTP/2.
async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, pings: &Cell<u32>) {
    let mut buffer = [0; 16_384];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if size == 17 && buffer[3] == 6 {
            pings.set(pings.get() + 1);
        }
        to.write_all(&buffer[..size]).await.unwrap();
    }
}

/// Passes one connection on to the address, until one of its sides closes it.
async fn proxy(listener: &TcpListener, address: &str, pings: &Cell<u32>, answers: &Cell<u32>) {
    let (near, _) = listener.accept().await.unwrap();
    let (from_client, to_client) = near.into_split();
    let (from_service, to_service) = TcpStream::connect(address).await.unwrap().into_split();
    tokio::select! {
        () = relay(from_client, to_service, pings) => {},
        () = relay(from_service, to_client, answers) => {},
    }
}

#[tokio::test]
async fn keepalive_without_calls_keeps_the_connection() {
    let service = Service::start().await;
    // tonic does not tell of its connections.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = endpoint(&listener.local_addr().unwrap().to_string())
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let mut client = Client::new(channel);
    let idle = async {
        client.create_payment_intent(any_order()).await.unwrap();
        sleep(Duration::from_secs(25)).await;
        client.create_payment_intent(any_order()).await.unwrap();
    };
    let (pings, answers) = (Cell::new(0), Cell::new(0));
    tokio::select! {
        () = proxy(&listener, &service.address, &pings, &answers) => panic!("closed after {} pings", pings.get()),
        () = idle => {},
    }
    assert!(pings.get().min(answers.get()) >= 2, "{pings:?} {answers:?}");
}

/// tonic has no wait-for-ready: its callers try again.
async fn pay_when_available(client: &mut Client) -> CreatePaymentIntentResponse {
    loop {
        match client.create_payment_intent(any_order()).await {
            Err(status) if status.code() == Code::Unavailable => sleep(POLL).await,
            answer => return answer.unwrap().into_inner(),
        }
    }
}

#[tokio::test]
async fn a_channel_finds_the_service_when_it_is_back() {
    let port = free_port();
    let mut first = Service::start_at(port).await;
    let mut client = client(&first);
    client.create_payment_intent(any_order()).await.unwrap();
    first.stop().await;
    let refused = client.create_payment_intent(any_order()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    let back = async { tokio::join!(pay_when_available(&mut client), Service::start_at(port)) };
    let (paid, _second) = timeout(PATIENCE, back).await.unwrap();
    assert!(paid.payment_intent_id.starts_with("pay-"));
}

#[tokio::test]
async fn calls_in_flight_end_with_an_orderly_stop() {
    let mut service = Service::start().await;
    let client = client(&service);
    let calls = (0..20).map(|_| {
        let mut client = client.clone();
        async move {
            client
                .create_payment_intent(order_behaving(r#"{"api": {"delay_ms": 1500}}"#))
                .await
        }
    });
    let terminate = async {
        // Sent after the calls on the same connection: its answer says that they are there.
        count_payments(client.clone()).await;
        service.terminate();
    };
    let (answers, ()) = tokio::join!(join_all(calls), terminate);
    for answer in answers {
        answer.unwrap();
    }
    service.ended().await;
}

/// Pays until each of the two has a payment.
async fn pay_both(client: &mut Client, one: &Service, other: &Service) {
    for service in [one, other] {
        while count_payments(self::client(service)).await == 0 {
            client.create_payment_intent(any_order()).await.unwrap();
        }
    }
}

// tonic has no health checking on the side of the client: a channel tries all of its endpoints, and one that is
// down costs its callers an UNAVAILABLE now and then.
#[tokio::test]
async fn a_balanced_channel_does_with_the_replica_that_is_left() {
    let (mut one, other) = tokio::join!(Service::start(), Service::start());
    let endpoints = [&one, &other].map(|service| endpoint(&service.address));
    let mut client = Client::new(Channel::balance_list(endpoints.into_iter()));
    timeout(PATIENCE, pay_both(&mut client, &one, &other))
        .await
        .unwrap();
    one.stop().await;
    let before = count_payments(self::client(&other)).await;
    for _ in 0..20 {
        timeout(PATIENCE, pay_when_available(&mut client)).await.unwrap();
    }
    assert_eq!(count_payments(self::client(&other)).await, before + 20);
}

fn health_of(name: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest { service: name.into() })
}

#[tokio::test]
async fn health_is_that_of_the_names_asked_for() {
    let service = Service::start().await;
    let mut health = HealthClient::new(channel(&service));
    for name in ["", "readiness", "payment.v1.PaymentService"] {
        let answer = health.check(health_of(name)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{name}");
    }
    let refused = health.check(health_of("nobody")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_watch_of_health_that_runs_out_is_no_error() {
    let mut service = Service::start().await;
    let mut request = health_of("readiness");
    request.set_timeout(Duration::from_secs(2));
    let answer = HealthClient::new(channel(&service)).watch(request).await.unwrap();
    let mut watch = answer.into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    // Once there is an answer only the service keeps the time.
    let end = timeout(PATIENCE, watch.message()).await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::DeadlineExceeded, "{end}");
    service.stop().await;
    assert_eq!(service.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn reflection_names_the_services() {
    let service = Service::start().await;
    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(channel(&service));
    let answer = client.server_reflection_info(stream::iter([ask])).await.unwrap();
    let mut answers = answer.into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list");
    };
    let names: HashSet<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(
        names.is_superset(&["payment.v1.PaymentService", "grpc.health.v1.Health"].into()),
        "{names:?}"
    );
    assert!(answers.message().await.unwrap().is_none());
}

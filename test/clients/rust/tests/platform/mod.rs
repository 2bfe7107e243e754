//! What tonic sees of the platform's contract.

mod contract {
    #![allow(dead_code, clippy::enum_variant_names)]
    include!(concat!(env!("OUT_DIR"), "/platform/mod.rs"));
}

use contract::{
    common::v1::Money,
    payment::v1::{
        CreatePaymentIntentRequest, GetPaymentStatusRequest, PaymentScenario, PaymentStatus,
        payment_service_client::PaymentServiceClient,
    },
};
use tokio::time::{sleep, timeout};
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt;

use super::{PATIENCE, POLL, endpoint, service::Service, service::free_port};

type Client = PaymentServiceClient<Channel>;

async fn settles(client: &mut Client, scenario: PaymentScenario, expected: PaymentStatus) {
    let order = CreatePaymentIntentRequest {
        reservation_id: "reservation-1".into(),
        user_id: "user-1".into(),
        amount: Some(Money {
            amount: 120_000,
            currency: "KRW".into(),
        }),
        scenario: scenario.into(),
        ..Default::default()
    };
    let created = client.create_payment_intent(order).await.unwrap().into_inner();
    assert_eq!(created.status(), PaymentStatus::Pending);
    let ask = GetPaymentStatusRequest {
        payment_intent_id: created.payment_intent_id,
        ..Default::default()
    };
    let settled = async {
        loop {
            let read = client.get_payment_status(ask.clone()).await.unwrap().into_inner();
            if read.payment.unwrap().status() == expected {
                return;
            }
            sleep(POLL).await;
        }
    };
    timeout(PATIENCE, settled).await.unwrap();
}

#[tokio::test]
async fn the_platforms_contract() {
    let port = free_port();
    let _service = Service::start_with(free_port(), &[("PLATFORM_GRPC_PORT", &port.to_string())]).await;
    let mut client = Client::new(endpoint(&format!("127.0.0.1:{port}")).connect_lazy());
    let refused = client
        .create_payment_intent(CreatePaymentIntentRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    assert_eq!(
        violations
            .iter()
            .map(|each| each.field.as_str())
            .collect::<Vec<_>>(),
        ["reservation_id", "user_id", "amount"]
    );
    settles(&mut client, PaymentScenario::Approve, PaymentStatus::Completed).await;
    settles(&mut client, PaymentScenario::Fail, PaymentStatus::Failed).await;
}

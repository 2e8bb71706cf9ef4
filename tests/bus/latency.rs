//! From the gateway's receipt of a webhook to the service's endpoint having the change: what the functions themselves
//! take, with pollers and services that do not wait.

use std::time::{Duration, Instant};

use end_to_end::{delivery::Delivery, lambda::Lambda, latency::Latencies};

use crate::service::{Service, unlink_now};

/// How many webhooks are timed, after one that opens the connections.
const TIMED: usize = 20;

/// One unlink, alone on its way. When its state was stored, its change was on the bus, and the endpoint had it.
async fn go(service: &mut Service, delivery: &Delivery, deliverer: &mut Lambda, number: usize) -> [Duration; 3] {
    let unlink = unlink_now(&format!("3142{number:06}")).id(&format!("unlink-{number}"));
    let (begin, before) = (Instant::now(), service.bus.taken().len());
    service.send(&unlink).await;
    let stored = begin.elapsed();
    service.publish().await;
    let published = begin.elapsed();
    for change in service.bus.taken_since(before) {
        delivery.route(&change);
    }
    assert_eq!(delivery.deliver(deliverer).await.unwrap(), []);
    let delivered = begin.elapsed();
    assert_eq!(delivery.endpoint.posts(), number + 1);
    [stored, published, delivered]
}

#[tokio::test]
async fn a_change_is_at_the_endpoint_soon_after_its_webhook_and_the_time_is_printed() {
    let mut service = Service::start_now().await;
    let delivery = Delivery::start(&service.pipeline).await.unwrap();
    let mut deliverer = delivery.start_deliverer(&service.pipeline, &[]).await.unwrap();
    let mut stages = [(); 3].map(|()| Latencies::default());
    for number in 0..=Latencies::asked(TIMED) {
        let times = go(&mut service, &delivery, &mut deliverer, number).await;
        if number > 0 {
            stages.iter_mut().zip(times).for_each(|(stage, time)| stage.push(time));
        }
    }
    for (name, stage) in ["the state is stored", "the change is on the bus", "the endpoint has it"].iter().zip(&stages)
    {
        println!("from the gateway until {name}: {stage}");
    }
    // Some 20 ms on an idle machine: what is found is a pause that is built in.
    assert!(stages[2].percentile(50) < Duration::from_secs(1), "{}", stages[2]);
}

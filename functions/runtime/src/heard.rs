//! What a test hears of the log.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{
    Dispatch, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

/// While tracing knows of one subscriber only, the thread that meets an event first decides for all threads whether
/// anyone hears it, and the threads of other tests have no subscriber. Of these two it knows as long as the process lives.
static OTHERS: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Registry::default())));

/// This thread's events go to a layer, until the guard is dropped.
pub(crate) fn listen(layer: impl Layer<Registry> + Send + Sync) -> DefaultGuard {
    LazyLock::force(&OTHERS);
    tracing::subscriber::set_default(Registry::default().with(layer))
}

/// The events that are logged meanwhile, one in a line, with their fields.
pub(crate) async fn logged<T>(work: impl Future<Output = T>) -> (String, T) {
    let events = Events::default();
    let listening = listen(events.clone());
    let result = work.await;
    drop(listening);
    let log = events.0.lock().unwrap().clone();
    (log, result)
}

#[derive(Clone, Default)]
struct Events(Arc<Mutex<String>>);

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        event.record(&mut self.clone());
        self.0.lock().unwrap().push('\n');
    }
}

impl Visit for Events {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}").replace('\n', "\\n");
        self.0.lock().unwrap().push_str(&format!("{field}={value} "));
    }
}

#[tokio::test]
async fn an_event_is_heard_that_another_thread_met_first() {
    let event = || tracing::info!(what = "met");
    let work = async {
        std::thread::spawn(event).join().unwrap();
        event();
    };
    assert_eq!(logged(work).await.0, "what=\"met\" \n");
}

//! ExplainLabel over a real nats-server, with a scorer that answers what the test wants.

use crate::support::{PATIENCE, commit, get, line, of_tenant, until, within};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use turnstone_bus::embedded::{EmbeddedOptions, NatsServer};
use turnstone_bus::{AnswerLimits, Bus, BusOptions, LabelQuestion};
use turnstone_proto::v1;
use turnstone_proto::v1::explain_label_failure::Kind;
use turnstone_proto::v1::explain_label_reply::Result as Reply;
use turnstone_proto::v1::explanation_service_client::ExplanationServiceClient;
use turnstone_query::{QueryOptions, QueryParts, QueryService};
use turnstone_store::{ConnectOptions, Store, StoreAddress};
use turnstone_types::EntryId;

const TEXT: &str = "Größe: disk full";

/// A query service on a store with one entry of tenant acme.
struct Rig {
    address: SocketAddr,
    entry_id: EntryId,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn start(bus: Option<Bus>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = StoreAddress::Sqlite(folder.path().join("turnstone.db"));
        let store: Arc<dyn Store> = turnstone_store::connect(&address, &ConnectOptions::default())
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let mut of_acme = line(TEXT);
        of_acme.tenant = "acme";
        let entry_id = commit(&store, &[of_acme]).await.remove(0);
        let options = QueryOptions {
            label_time_max: Duration::from_millis(1_500),
            ..QueryOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))
        };
        let parts = QueryParts {
            bus,
            ..QueryParts::new(store)
        };
        let bound = QueryService::bind(options, parts).await.unwrap();
        let (address, stop) = (bound.local_addr(), CancellationToken::new());
        tokio::spawn(bound.serve(stop.clone()));
        Self {
            address,
            entry_id,
            stop,
            _folder: folder,
        }
    }

    async fn explain(&self, tenant: &'static str, entry_id: &str) -> Result<v1::LabelExplanation, Status> {
        let client = ExplanationServiceClient::connect(format!("http://{}", self.address));
        let mut client = client.await.unwrap();
        let request = v1::ExplainLabelRequest {
            entry_id: entry_id.to_owned(),
        };
        let asked = client.explain_label(of_tenant(tenant, request));
        Ok(within(PATIENCE, "the answer", asked).await?.into_inner())
    }

    async fn refusal(&self) -> Status {
        self.explain("acme", self.entry_id.as_str()).await.unwrap_err()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn nats() -> (NatsServer, Bus, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/nats/bin/nats-server");
    let options = EmbeddedOptions {
        program: Some(program),
        ..EmbeddedOptions::new(folder.path().join("nats"))
    };
    let server = NatsServer::start(options).await.unwrap();
    let bus = Bus::connect(&server.bus_options()).await.unwrap();
    (server, bus, folder)
}

/// Answers every question with what `answer` makes of how many there were before it, until the test ends. Returns once
/// questions reach it.
async fn answer_with(bus: &Bus, answer: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static) {
    let (answering, answer, asked) = (bus.clone(), Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        let reply = move |question: LabelQuestion| {
            assert_eq!(question.query.tenant_id, "acme");
            let result = answer(counted.fetch_add(1, Ordering::SeqCst));
            std::future::ready(v1::ExplainLabelReply { result })
        };
        answering
            .answer_explain_label(AnswerLimits::default(), std::future::pending(), reply)
            .await
    });
    let probe = v1::ExplainLabelQuery {
        tenant_id: "acme".to_owned(),
        entry_id: "any".to_owned(),
    };
    until("somebody answers", || async {
        bus.ask_explain_label(&probe, None, PATIENCE).await.is_ok()
    })
    .await;
    asked.store(0, Ordering::SeqCst);
}

fn failure(kind: Kind, reason: &str) -> Option<Reply> {
    Some(Reply::Failure(v1::ExplainLabelFailure {
        kind: kind.into(),
        reason: reason.to_owned(),
    }))
}

fn explanation() -> Option<Reply> {
    let word = |start, end| v1::WordWeight {
        range: Some(v1::TextRange { start, end }),
        weight: 0.5,
    };
    Some(Reply::Explanation(v1::LabelExplanation {
        anomaly_label: "SYSTEM_FAILURE".to_owned(),
        // The last two are no parts of the text: behind it, and in the middle of a character.
        words: vec![word(9, 13), word(14, 18), word(14, 99), word(3, 4)],
        ..v1::LabelExplanation::default()
    }))
}

#[tokio::test]
async fn the_answer_of_a_scorer_comes_with_the_start_of_the_line() {
    let (_server, bus, _folder) = nats().await;
    // The first two find it busy: the question is asked again.
    answer_with(&bus, |asked| match asked {
        0 | 1 => failure(Kind::Busy, "full"),
        _ => explanation(),
    })
    .await;
    let rig = Rig::start(Some(bus)).await;
    let explained = rig.explain("acme", rig.entry_id.as_str()).await.unwrap();
    assert_eq!(explained.text, TEXT);
    let words: Vec<&str> = explained
        .words
        .iter()
        .map(|word| {
            let range = word.range.as_ref().unwrap();
            &TEXT[range.start as usize..range.end as usize]
        })
        .collect();
    assert_eq!(words, ["disk", "full"]);

    // Who must not see the entry is told so without asking anybody, as is who asks for nothing.
    let refused = rig.explain("other", rig.entry_id.as_str()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    assert_eq!(
        rig.explain("acme", "").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        rig.explain("acme", "no-such-entry").await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn each_reason_of_a_scorer_has_its_code() {
    let cases = [
        (failure(Kind::NotFound, "unknown"), Code::NotFound),
        (failure(Kind::NoModel, "no model"), Code::FailedPrecondition),
        (failure(Kind::Unscorable, "not finite"), Code::FailedPrecondition),
        (failure(Kind::Busy, "full"), Code::ResourceExhausted),
        (failure(Kind::Internal, "broken"), Code::Unavailable),
        (None, Code::Internal),
    ];
    for (reply, code) in cases {
        let (_server, bus, _folder) = nats().await;
        answer_with(&bus, move |_| reply.clone()).await;
        let rig = Rig::start(Some(bus)).await;
        let refused = rig.refusal().await;
        assert_eq!(refused.code(), code, "{refused}");
    }
}

#[tokio::test]
async fn where_nobody_answers_the_caller_is_told_what_is_missing() {
    let (server, bus, _folder) = nats().await;
    let rig = Rig::start(Some(bus.clone())).await;
    let refused = rig.refusal().await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("is one running?"), "{refused}");

    // One that takes the question and never answers.
    let never = bus.clone();
    tokio::spawn(async move {
        let limits = AnswerLimits::default();
        let reply = |_: LabelQuestion| std::future::pending();
        never
            .answer_explain_label(limits, std::future::pending(), reply)
            .await
    });
    let started = Instant::now();
    let refused = loop {
        let refused = rig.refusal().await;
        assert_eq!(refused.code(), Code::Unavailable);
        if refused.message().contains("within 1.5 s") {
            break refused;
        }
        assert!(started.elapsed() < PATIENCE, "{refused}");
    };
    assert!(refused.message().contains("no scorer answered"), "{refused}");

    server.stop().await;
    let started = Instant::now();
    let refused = rig.refusal().await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("no scorer answered"), "{refused}");
    assert!(started.elapsed() < Duration::from_secs(5));

    let refused = Rig::start(None).await.refusal().await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("nats.url"), "{refused}");
}

#[tokio::test]
async fn a_queue_that_was_never_there_is_no_reason_not_to_serve() {
    // Reserved for nobody: nothing listens on it.
    let bus = Bus::connect_in_background(&BusOptions::new("nats://127.0.0.1:9"))
        .await
        .unwrap();
    let rig = Rig::start(Some(bus)).await;
    until("it is ready", || async {
        get(rig.address, "/readyz").await.status == 200
    })
    .await;
    let refused = rig.refusal().await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("NATS"), "{refused}");
}

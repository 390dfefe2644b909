//! Tests of flights: sharing, late and slow readers, leaving, resuming, and that every flight ends with a last frame.

use super::*;
use crate::frame::{ContextFrame, DoneFrame, TokenFrame};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, oneshot};
use turnstone_testkit::wait_until;

const LIMIT: Duration = Duration::from_secs(20);

fn options() -> FlightOptions {
    FlightOptions {
        linger: Duration::ZERO,
        ..FlightOptions::default()
    }
}

fn token(number: usize) -> Frame {
    Frame::Token(TokenFrame {
        text: format!("{number} "),
    })
}

/// Sends the context, then a token for each permit, then done.
async fn generate(sender: FrameSender, permits: Arc<Semaphore>, tokens: usize) {
    sender.send(Frame::Context(ContextFrame::default()));
    for number in 0..tokens {
        permits.acquire().await.unwrap().forget();
        sender.send(token(number));
    }
    sender.send(Frame::Done(DoneFrame {
        token_count: tokens as u32,
        ..DoneFrame::default()
    }));
}

async fn read_all(mut reader: FrameReader) -> Vec<(FrameId, Arc<Frame>)> {
    let mut frames = Vec::new();
    while let Some(frame) = tokio::time::timeout(LIMIT, reader.next()).await.unwrap() {
        frames.push(frame);
    }
    frames
}

fn last(frames: &[(FrameId, Arc<Frame>)]) -> &Frame {
    &frames.last().unwrap().1
}

fn error_reason(frame: &Frame) -> &str {
    match frame {
        Frame::Error(error) => &error.reason,
        other => panic!("not an error: {other:?}"),
    }
}

#[tokio::test]
async fn fifty_readers_share_one_generation_and_all_read_everything() {
    let flights = Flights::new(options());
    let (started, permits) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut readers = Vec::new();
    for number in 0..50 {
        let reader = flights.join("entry", |sender| {
            started.fetch_add(1, Ordering::SeqCst);
            generate(sender, permits.clone(), 40)
        });
        readers.push(tokio::spawn(read_all(reader)));
        // Half of them come while it is under way.
        permits.add_permits(usize::from(number >= 25));
    }
    permits.add_permits(40);
    let mut all = Vec::new();
    for reader in readers {
        all.push(reader.await.unwrap());
    }
    assert_eq!(started.load(Ordering::SeqCst), 1);
    assert_eq!(all[0].len(), 42);
    assert!(matches!(*all[0][0].1, Frame::Context(_)) && matches!(last(&all[0]), Frame::Done(_)));
    let numbers: Vec<u64> = all[0].iter().map(|(id, _)| id.number).collect();
    assert_eq!(numbers, (1..=42).collect::<Vec<_>>());
    assert!(all.iter().all(|frames| *frames == all[0]));
    assert_eq!(flights.running_count(), 0);
}

#[tokio::test]
async fn another_key_is_another_generation() {
    let flights = Flights::new(options());
    let permits = Arc::new(Semaphore::new(9));
    let one = flights.join(1, |sender| generate(sender, permits.clone(), 1));
    let two = flights.join(2, |sender| generate(sender, permits.clone(), 2));
    let (one, two) = (read_all(one).await, read_all(two).await);
    assert_eq!((one.len(), two.len()), (3, 4));
    assert_ne!(one[0].0.flight, two[0].0.flight);
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let flights = Flights::new(options());
    let permits = Arc::new(Semaphore::new(10_000));
    let slow = flights.join((), |sender| generate(sender, permits.clone(), 10_000));
    let fast = flights.join_running(&()).unwrap();
    assert_eq!(read_all(fast).await.len(), 10_002);
    assert_eq!(read_all(slow).await.len(), 10_002);
}

#[tokio::test]
async fn one_who_leaves_stops_nothing_for_the_others() {
    let flights = Flights::new(options());
    let permits = Arc::new(Semaphore::new(1));
    let mut first = flights.join((), |sender| generate(sender, permits.clone(), 3));
    let second = flights.join_running(&()).unwrap();
    assert!(matches!(*first.next().await.unwrap().1, Frame::Context(_)));
    drop(first);
    permits.add_permits(2);
    assert!(matches!(last(&read_all(second).await), Frame::Done(_)));
}

/// Says when it is dropped.
struct OnDrop(Option<oneshot::Sender<()>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[tokio::test]
async fn the_last_one_to_leave_cancels_it() {
    let flights = Flights::new(options());
    let (cancelled, is_cancelled) = oneshot::channel();
    let on_drop = OnDrop(Some(cancelled));
    let endless = |sender: FrameSender| async move {
        let _on_drop = on_drop;
        sender.send(Frame::Context(ContextFrame::default()));
        std::future::pending::<()>().await;
    };
    let mut first = flights.join((), endless);
    let second = flights.join_running(&()).unwrap();
    let (id, _) = first.next().await.unwrap();
    drop(first);
    assert_eq!(flights.running_count(), 1);
    drop(second);
    tokio::time::timeout(LIMIT, is_cancelled).await.unwrap().unwrap();
    assert_eq!(flights.running_count(), 0);
    // Whoever comes back with an id is told so, and a new question starts anew.
    wait_until(LIMIT, || async { flights.resume(&(), id).is_some() })
        .await
        .unwrap();
    let resumed = read_all(flights.resume(&(), id).unwrap()).await;
    assert!(error_reason(last(&resumed)).contains("given up"));
    let again = flights.join((), |sender| generate(sender, Arc::new(Semaphore::new(1)), 1));
    assert!(matches!(last(&read_all(again).await), Frame::Done(_)));
}

#[tokio::test]
async fn one_who_comes_back_goes_on_where_it_was() {
    let flights = Flights::new(options());
    let permits = Arc::new(Semaphore::new(1));
    let mut reader = flights.join((), |sender| generate(sender, permits.clone(), 3));
    reader.next().await.unwrap();
    let (id, _) = reader.next().await.unwrap();
    drop(reader);
    // Before the driver has looked: from its point of view nobody left.
    let resumed = flights.resume(&(), id).unwrap();
    permits.add_permits(2);
    let rest = read_all(resumed).await;
    let numbers: Vec<u64> = rest.iter().map(|(id, _)| id.number).collect();
    assert_eq!(numbers, [3, 4, 5]);
    assert!(rest.iter().all(|(other, _)| other.flight == id.flight));
    assert!(matches!(last(&rest), Frame::Done(_)));
}

#[tokio::test]
async fn it_goes_on_for_a_while_without_readers() {
    let flights = Flights::new(FlightOptions {
        linger: Duration::from_secs(3_600),
        ..options()
    });
    let permits = Arc::new(Semaphore::new(0));
    let mut reader = flights.join((), |sender| generate(sender, permits.clone(), 3));
    let (id, _) = reader.next().await.unwrap();
    drop(reader);
    permits.add_permits(3);
    wait_until(LIMIT, || async { flights.running_count() == 0 })
        .await
        .unwrap();
    let rest = read_all(flights.resume(&(), id).unwrap()).await;
    assert!(matches!(last(&rest), Frame::Done(_)));
}

#[tokio::test]
async fn a_finished_one_can_be_resumed_for_a_while_only() {
    let run =
        |flights: &Flights<()>| flights.join((), |sender| generate(sender, Arc::new(Semaphore::new(9)), 2));
    let flights = Flights::new(options());
    let frames = read_all(run(&flights)).await;
    let second = frames[1].0;
    let rest = read_all(flights.resume(&(), second).unwrap()).await;
    assert_eq!(rest, frames[2..]);
    let nothing_left = read_all(flights.resume(&(), frames[3].0).unwrap()).await;
    assert!(nothing_left.is_empty());

    let never_sent = FrameId { number: 5, ..second };
    let another_flight = FrameId {
        flight: second.flight.wrapping_add(1),
        ..second
    };
    assert!(flights.resume(&(), never_sent).is_none());
    assert!(flights.resume(&(), another_flight).is_none());

    let forgetful = Flights::new(FlightOptions {
        keep_finished: Duration::ZERO,
        ..options()
    });
    let id = read_all(run(&forgetful)).await[1].0;
    assert!(forgetful.resume(&(), id).is_none());
}

#[tokio::test]
async fn who_asks_after_an_error_starts_anew() {
    let flights = Flights::new(options());
    let (sent, hold) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let failing = flights.join((), |sender| {
        let (sent, hold) = (sent.clone(), hold.clone());
        async move {
            sender.send(Frame::Error(ErrorFrame {
                reason: "no".to_owned(),
                retryable: true,
            }));
            sent.add_permits(1);
            // Still in the table: its last frame is sent, its task has not ended.
            hold.acquire().await.unwrap().forget();
        }
    });
    sent.acquire().await.unwrap().forget();
    assert!(flights.join_running(&()).is_none());
    let again = flights.join((), |sender| generate(sender, Arc::new(Semaphore::new(9)), 1));
    hold.add_permits(1);
    assert_eq!(error_reason(last(&read_all(failing).await)), "no");
    assert!(matches!(last(&read_all(again).await), Frame::Done(_)));
}

#[tokio::test]
async fn an_id_of_one_key_opens_no_other() {
    let flights = Flights::new(options());
    let mine = flights.join("mine", |sender| generate(sender, Arc::new(Semaphore::new(9)), 1));
    let id = read_all(mine).await[0].0;
    assert!(flights.resume(&"mine", id).is_some());
    assert!(flights.resume(&"yours", id).is_none());
}

#[tokio::test]
async fn few_finished_ones_are_kept() {
    let flights = Flights::new(FlightOptions {
        finished_max: 2,
        ..options()
    });
    let mut ids = Vec::new();
    for key in 0..4 {
        let reader = flights.join(key, |sender| generate(sender, Arc::new(Semaphore::new(9)), 1));
        ids.push(read_all(reader).await[0].0);
        wait_until(LIMIT, || async { flights.running_count() == 0 })
            .await
            .unwrap();
    }
    let kept: Vec<bool> = ids
        .iter()
        .zip(0..)
        .map(|(id, key)| flights.resume(&key, *id).is_some())
        .collect();
    assert_eq!(kept, [false, false, true, true]);
}

#[tokio::test]
async fn a_panic_ends_in_an_error_frame() {
    let flights = Flights::new(options());
    let reader = flights.join((), |sender| async move {
        sender.send(Frame::Context(ContextFrame::default()));
        tokio::task::yield_now().await;
        panic!("on purpose");
    });
    let frames = read_all(reader).await;
    assert!(error_reason(last(&frames)).contains("fault of this program"));
    assert_eq!(flights.running_count(), 0);
}

#[tokio::test]
async fn an_end_without_a_last_frame_becomes_an_error_and_nothing_follows_the_last() {
    let flights = Flights::new(options());
    let silent = read_all(flights.join(1, |_| async {})).await;
    assert!(error_reason(last(&silent)).contains("given up"));
    let talkative = flights.join(2, |sender| async move {
        sender.send(Frame::Done(DoneFrame::default()));
        assert!(sender.is_over());
        sender.send(token(1));
        sender.send(Frame::Error(ErrorFrame {
            reason: String::new(),
            retryable: false,
        }));
    });
    let frames = read_all(talkative).await;
    assert_eq!(frames.len(), 1);
    assert!(matches!(last(&frames), Frame::Done(_)));
}

#[test]
fn readers_outlive_the_runtime_with_a_last_frame() {
    let flights = Flights::new(options());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut reader = runtime.block_on(async {
        flights.join((), |sender| async move {
            sender.send(Frame::Context(ContextFrame::default()));
            std::future::pending::<()>().await;
        })
    });
    runtime.block_on(reader.next()).unwrap();
    drop(runtime);
    let (_, frame) = futures::executor::block_on(reader.next()).unwrap();
    assert!(error_reason(&frame).contains("given up"));
    assert!(futures::executor::block_on(reader.next()).is_none());
}

#[tokio::test]
async fn too_many_at_once_are_refused() {
    let flights = Flights::new(FlightOptions {
        running_max: 2,
        ..options()
    });
    let permits = Arc::new(Semaphore::new(0));
    let running = [1, 2].map(|key| flights.join(key, |sender| generate(sender, permits.clone(), 1)));
    let refused = read_all(flights.join(3, |sender| generate(sender, permits.clone(), 1))).await;
    assert!(error_reason(last(&refused)).contains("as many as allowed"));
    permits.add_permits(2);
    for reader in running {
        assert!(matches!(last(&read_all(reader).await), Frame::Done(_)));
    }
}

#[tokio::test]
async fn frames_that_were_there_before_are_read_the_same_way() {
    let reader = FrameReader::of_frames([token(1), Frame::Done(DoneFrame::default())]);
    assert_eq!(read_all(reader).await.len(), 2);
    assert!(matches!(
        last(&read_all(FrameReader::of_frames([token(1)])).await),
        Frame::Error(_)
    ));
}

#[test]
fn an_id_reads_as_it_is_written() {
    let id = FrameId {
        flight: u64::MAX,
        number: 17,
    };
    assert_eq!(id.to_string(), "ffffffffffffffff.17");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in ["", "17", ".", "x.1", "1.-1", "1.1.1", "1. 1"] {
        assert_eq!(text.parse::<FrameId>(), Err(UnknownFrameId), "{text:?}");
    }
}

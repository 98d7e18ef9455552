use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the connection would be ended after so many more seconds.
async fn stalls_after(outflow: &Outflow, seconds: u64) -> bool {
    tokio::time::advance(Duration::from_secs(seconds)).await;
    outflow.watch(Instant::now(), PATIENCE);
    let told = tokio::time::timeout(Duration::ZERO, outflow.stalled());
    told.await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_stalls() {
    let outflow = Outflow::default();
    assert!(!stalls_after(&outflow, 100).await, "nothing is under way");
    let id = outflow.begins();
    assert!(!stalls_after(&outflow, 29).await);
    outflow.hands_over(id);
    assert!(!stalls_after(&outflow, 29).await);
    outflow.has_left(id);
    outflow.hands_over(id);
    assert!(!stalls_after(&outflow, 29).await);
    assert!(stalls_after(&outflow, 1).await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_ended_still_has_to_leave() {
    let outflow = Outflow::default();
    let id = outflow.begins();
    outflow.hands_over(id);
    outflow.ends(id);
    assert!(stalls_after(&outflow, 30).await);
    outflow.has_left(id);
    assert!(!stalls_after(&outflow, 100).await);
    assert!(outflow.answers().under_way.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_not_blamed_while_the_next_piece_is_made() {
    let outflow = Outflow::default();
    let id = outflow.begins();
    outflow.hands_over(id);
    outflow.is_making(id);
    assert!(stalls_after(&outflow, 30).await, "the piece before has not left");
    outflow.has_left(id);
    assert!(!stalls_after(&outflow, 1000).await);
    outflow.hands_over(id);
    assert!(!stalls_after(&outflow, 29).await);
    assert!(stalls_after(&outflow, 1).await);
}

#[tokio::test(start_paused = true)]
async fn one_answer_that_stalls_is_found_among_others_that_go_on() {
    let outflow = Outflow::default();
    let (slow, busy) = (outflow.begins(), outflow.begins());
    outflow.hands_over(slow);
    for _ in 0..5 {
        outflow.hands_over(busy);
        outflow.has_left(busy);
        assert!(!stalls_after(&outflow, 5).await);
    }
    outflow.hands_over(busy);
    outflow.has_left(busy);
    assert!(stalls_after(&outflow, 5).await);
}

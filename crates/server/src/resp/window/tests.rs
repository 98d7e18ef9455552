use super::*;

impl Window {
    /// How many find room now.
    fn width_now(&self) -> usize {
        self.room.available_permits()
    }
}

#[tokio::test]
async fn small_answers_widen_it_up_to_a_bound_and_a_large_one_narrows_it_to_one() {
    let window = Window::new();
    assert_eq!((window.width_now(), window.expects()), (1, Expected::Unknown));
    for _ in 0..100 {
        window.answered(SMALL_BYTES);
    }
    assert_eq!(window.width_now(), WIDEST);
    let held = [window.enter().await, window.enter().await];
    window.answered(SMALL_BYTES + 1);
    drop(held);
    assert_eq!(window.width_now(), 2, "what was under way is not taken away");
    window.answered(SMALL_BYTES + 1);
    window.answered(SMALL_BYTES + 1);
    assert_eq!(window.width_now(), 1, "one always goes on");
    assert_eq!(window.expects(), Expected::Large(SMALL_BYTES + 1));
    window.answered(0);
    assert_eq!((window.width_now(), window.expects()), (2, Expected::Small));
}

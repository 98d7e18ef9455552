use super::*;

#[test]
fn what_is_taken_is_missing_until_it_is_dropped() {
    let memory = Memory::of(4 * 1024);
    let mut part = memory.take(1).expect("there is room");
    assert_eq!(part.bytes(), 1024);
    assert!(memory.take(3 * 1024 + 1).is_none());
    assert!(part.grow_to(4096, &memory));
    assert!(memory.take(1).is_none());
    assert!(!part.grow_to(4097, &memory));
    assert!(part.grow_to(5, &memory), "what is there already need not be asked for");
    drop(part);
    assert!(memory.take(4096).is_some());
}

#[test]
fn more_than_there_will_ever_be_is_refused() {
    assert!(Memory::default().take(usize::MAX).is_none());
}

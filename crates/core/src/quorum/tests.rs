use proptest::prelude::*;

use super::*;

fn level() -> impl Strategy<Value = Option<Level>> {
    prop_oneof![
        Just(None),
        (0_u8..6).prop_map(|count| Some(Level::Count(count))),
        Just(Some(Level::One)),
        Just(Some(Level::Quorum)),
        Just(Some(Level::All)),
    ]
}

prop_compose! {
    fn options()(r in level(), pr in level(), w in level(), pw in level(), dw in level(), nc in level())
        -> QuorumOptions {
        QuorumOptions { r, pr, w, pw, dw, node_confirms: nc, mode: None }
    }
}

proptest! {
    /// A quorum that no set of answers could meet can't be constructed.
    #[test]
    fn parts_never_exceed_the_whole_nor_the_whole_n(
        wanted in 1_u8..6, missing in 0_u8..6, asked in options(), bucket in options(),
    ) {
        let count = ReplicaCount { wanted, existing: wanted.saturating_sub(missing).max(1) };
        if let Ok(quorum) = WriteQuorum::resolve(count, &asked, &bucket) {
            prop_assert!(quorum.w() >= 1 && quorum.w() <= wanted);
            prop_assert!(quorum.pw() <= quorum.w());
            prop_assert!(quorum.dw() <= quorum.w());
            prop_assert!(quorum.node_confirms() <= quorum.w());
        }
        if let Ok(quorum) = ReadQuorum::resolve(count, &asked, &bucket) {
            prop_assert!(quorum.r() >= 1 && quorum.r() <= wanted);
            prop_assert!(quorum.pr() <= quorum.r());
        }
    }

    /// Defaults are cut to what exists: one node alone is 1/1/1.
    #[test]
    fn defaults_always_resolve(wanted in 1_u8..6, missing in 0_u8..6) {
        let existing = wanted.saturating_sub(missing).max(1);
        let none = QuorumOptions::default();
        let count = ReplicaCount { wanted, existing };
        let write = WriteQuorum::resolve(count, &none, &none).expect("defaults are possible");
        let read = ReadQuorum::resolve(count, &none, &none).expect("defaults are possible");
        prop_assert_eq!((write.w(), write.dw(), read.r()), (existing.min(2), existing.min(2), existing.min(2)));
    }
}

const THREE: ReplicaCount = ReplicaCount { wanted: 3, existing: 3 };

#[test]
fn impossible_quorums_say_which_number_is_wrong() {
    let none = QuorumOptions::default();
    let asked = QuorumOptions { w: Some(Level::Count(4)), ..none };
    let error = WriteQuorum::resolve(THREE, &asked, &none).expect_err("w is more than n");
    assert_eq!(error.to_string(), "w=4 can't be met: the bucket keeps n=3 replicas");
    let asked = QuorumOptions { w: Some(Level::One), dw: Some(Level::Count(2)), ..none };
    let error = WriteQuorum::resolve(THREE, &asked, &none).expect_err("dw is more than w");
    assert_eq!(error.to_string(), "dw=2 can't be met: only w=1 answers are waited for");
    let asked = QuorumOptions { r: Some(Level::Count(0)), ..none };
    let error = ReadQuorum::resolve(THREE, &asked, &none).expect_err("r is nothing");
    assert_eq!(error.to_string(), "r=0 waits for nobody: ask for at least 1");
}

#[test]
fn an_explicit_part_raises_a_default_whole() {
    let none = QuorumOptions::default();
    let asked = QuorumOptions { pw: Some(Level::All), ..none };
    let quorum = WriteQuorum::resolve(THREE, &asked, &none).expect("pw=3 of n=3 is possible");
    assert_eq!((quorum.w(), quorum.pw(), quorum.dw()), (3, 3, 2));
}

#[test]
fn levels_are_written_as_numbers_or_words() {
    for (text, level) in [("2", Level::Count(2)), ("one", Level::One), ("all", Level::All)] {
        assert_eq!(text.parse(), Ok(level));
        assert_eq!(level.to_string(), text);
    }
    for text in ["", "-1", "256", "most", "1.5"] {
        assert!(text.parse::<Level>().is_err(), "{text} is no level");
    }
}

#[test]
fn a_level_is_read_as_it_is_shown() {
    for (text, level) in [("one", Level::One), ("quorum", Level::Quorum), ("all", Level::All)] {
        assert_eq!(text.parse(), Ok(level));
        assert_eq!(level.to_string(), text);
    }
    assert_eq!("3".parse(), Ok(Level::Count(3)));
    assert!("most".parse::<Level>().is_err());
}

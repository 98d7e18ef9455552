use super::*;

fn shares(text: &str) -> [usize; 3] {
    let mix: Mix = text.parse().expect("a mix");
    let count = |part| (0..100).filter(|number| mix.part(*number) == part).count();
    [count(Part::Put), count(Part::Get), count(Part::Modify)]
}

#[test]
fn the_mixes_of_ycsb_have_its_shares() {
    assert_eq!(shares("a"), [50, 50, 0]);
    assert_eq!(shares("b"), [5, 95, 0]);
    assert_eq!(shares("c"), [0, 100, 0]);
    assert_eq!(shares("f"), [0, 50, 50]);
    assert_eq!(shares("put"), [100, 0, 0]);
    assert_eq!(shares("get"), [0, 100, 0]);
    assert_eq!(shares("30/70"), [30, 70, 0]);
    assert_eq!(shares("load"), [100, 0, 0]);
}

#[test]
fn a_mix_is_printed_as_it_can_be_typed() {
    for text in ["a", "b", "c", "f", "put", "get", "load", "30/70"] {
        let mix: Mix = text.parse().expect("a mix");
        assert_eq!(mix.to_string().parse(), Ok(mix), "{text}");
    }
}

#[test]
fn what_is_no_mix_is_told_what_one_is() {
    for (text, told) in [
        ("60/60", "make up 100"),
        ("x", "a, b, c, f"),
        ("e", "not measured here"),
        ("50/x", "PUTS/GETS"),
        ("300/-200", "PUTS/GETS"),
    ] {
        let error = text.parse::<Mix>().expect_err(text);
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn only_what_reads_wants_keys_that_are_there() {
    for (text, reads, unread, writes) in [
        ("put", false, true, true),
        ("load", false, false, true),
        ("get", true, false, false),
        ("f", true, false, true),
        ("b", true, true, true),
    ] {
        let mix: Mix = text.parse().expect("a mix");
        assert_eq!((mix.reads(), mix.puts_unread(), mix.writes()), (reads, unread, writes));
    }
}

#[test]
fn sizes_are_one_number_or_two() {
    assert_eq!("100".parse(), Ok(ValueSize { min: 100, max: 100 }));
    assert_eq!("100-4000".parse(), Ok(ValueSize { min: 100, max: 4000 }));
    for text in ["", "1-", "-1", "9-1", "1k"] {
        assert!(text.parse::<ValueSize>().is_err(), "{text}");
    }
}

#[test]
fn an_exponent_is_a_number_that_means_something() {
    assert_eq!(exponent("0.99"), Ok(0.99));
    for text in ["-1", "nan", "11", "x"] {
        assert!(exponent(text).is_err(), "{text}");
    }
}

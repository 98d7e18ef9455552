use rand::SeedableRng;

use super::*;

const DRAWN: usize = 200_000;

fn drawn(count: u32, distribution: Distribution) -> Vec<usize> {
    let keys = Keys::new(NonZeroU32::new(count).expect("not zero"), distribution, 0.99);
    let mut random = SmallRng::seed_from_u64(7);
    let mut times = vec![0; count as usize];
    for _ in 0..DRAWN {
        times[keys.next(&mut random) as usize] += 1;
    }
    times
}

fn near(times: usize, share: f64) -> bool {
    (times as f64 / DRAWN as f64 / share - 1.0).abs() < 0.1
}

#[test]
fn zipfian_keys_are_as_popular_as_the_law_says() {
    let count = 1000;
    let mut times = drawn(count, Distribution::Zipfian);
    times.sort_unstable_by(|one, other| other.cmp(one));
    let sum: f64 = (1..=count).map(|rank| f64::from(rank).powf(-0.99)).sum();
    for rank in [1, 2, 3, 10, 30] {
        let share = f64::from(rank).powf(-0.99) / sum;
        assert!(
            near(times[rank as usize - 1], share),
            "{rank}: {} times",
            times[rank as usize - 1]
        );
    }
}

#[test]
fn popular_keys_are_no_neighbours_and_each_rank_has_its_own() {
    for count in [1, 2, 7, 1000, 65_536, 99_991] {
        let count = NonZeroU32::new(count).expect("not zero");
        let keys = Keys::new(count, Distribution::Zipfian, 0.99);
        let mut places: Vec<u32> = (0..count.get()).map(|rank| keys.of_rank(rank)).collect();
        if count.get() >= 1000 {
            let far = places.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 10).count();
            assert!(far * 10 > places.len() * 9, "{count}: {far} are far from the next");
        }
        places.sort_unstable();
        assert!(places.iter().copied().eq(0..count.get()), "{count}");
    }
}

#[test]
fn uniform_keys_are_equally_popular() {
    assert!(drawn(50, Distribution::Uniform).into_iter().all(|times| near(times, 0.02)));
}

#[test]
fn a_sequence_is_shared_and_begins_again() {
    let keys = Keys::new(NonZeroU32::new(3).expect("not zero"), Distribution::Sequential, 0.0);
    let (other, mut random) = (keys.clone(), SmallRng::seed_from_u64(7));
    let taken = [&keys, &other, &keys, &other].map(|keys| keys.next(&mut random));
    assert_eq!(taken, [0, 1, 2, 0]);
}

#[test]
fn a_name_is_the_prefix_and_eight_digits_or_more() {
    let mut text = "before".to_owned();
    name("100-", 7, &mut text);
    assert_eq!(text, "100-00000007");
    name("", 4_000_000_000, &mut text);
    assert_eq!(text, "4000000000");
}

//! What the nodes estimate is what reads meet.

use stator_core::staleness::Setting;

use super::path::Path;
use super::study::{Row, Study};

fn study(path: Path, seed: u64, writes: u32) -> Study {
    Study { seed, nodes: 3, path, settings: Setting::common(3), writes }
}

fn of(rows: &[Row], r: u8, w: u8) -> Vec<&Row> {
    rows.iter().filter(|row| (row.setting.r(), row.setting.w()) == (r, w)).collect()
}

#[test]
fn estimates_agree_with_what_reads_meet() {
    for path in Path::ALL {
        let rows = study(path, 1, 600).run();
        for row in &rows {
            assert!(row.agrees(), "{row:?}");
            assert!(row.reads == 600, "{row:?}");
        }
        // That they agree means something where there is something to be seen.
        for (r, w, least) in [(1, 1, 0.3), (1, 2, 0.02), (2, 1, 0.02)] {
            let at_once = of(&rows, r, w)[0];
            assert!(at_once.observed() > least, "{at_once:?}");
        }
        for row in of(&rows, 2, 2) {
            assert!(row.stale == 0 && row.estimated == 0.0, "{row:?}");
        }
    }
}

#[test]
fn in_a_larger_cluster_they_agree_as_well() {
    let rows = Study { nodes: 6, ..study(Path::LogNormal, 2, 300) }.run();
    for row in &rows {
        assert!(row.agrees(), "{row:?}");
    }
    assert!(of(&rows, 1, 1)[0].observed() > 0.1);
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    assert_eq!(study(Path::Pareto, 3, 20).run(), study(Path::Pareto, 3, 20).run());
    assert_ne!(study(Path::Pareto, 3, 20).run(), study(Path::Pareto, 4, 20).run());
}

//! Stories told as golden scripts (`crates/core/testscripts/*`): commands, and below each what came
//! of it. Run with `UPDATE_SCRIPTS=1` to write down what happens now, then read the difference.

mod handoff;
mod rig;
mod script;

use std::path::Path;

#[test]
fn every_script_tells_the_story_that_happens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testscripts");
    let mut told = 0;
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the scripts' folder")
        .map(|entry| entry.expect("a script").path())
        .collect();
    paths.sort();
    for path in paths {
        let written = std::fs::read_to_string(&path).expect("a readable script");
        let happened = script::run(&written);
        if std::env::var_os("UPDATE_SCRIPTS").is_some() {
            std::fs::write(&path, &happened).expect("a writable script");
            continue;
        }
        told += 1;
        assert_eq!(happened, written, "{} tells another story", path.display());
    }
    assert!(
        told != 0,
        "no script in {} was compared (UPDATE_SCRIPTS only writes)",
        folder.display()
    );
}

//! What packages start is what the binary takes: the settings file, the command lines of
//! `compose.yaml`, and the settings that the Kubernetes manifest writes for each pod.

use std::path::Path;
use std::process::Command;

use crate::harness::{run, stator, stderr, stdout};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The settings that hold, as `serve … --print-config` prints them.
fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = stator();
    command.arg("serve").args(arguments).arg("--print-config").envs(variables.iter().copied());
    let output = run(command);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// The image's listeners and data directory.
fn of_image() -> Vec<(String, String)> {
    let dockerfile = read("Dockerfile");
    let lines = dockerfile.lines().map(|line| line.trim().trim_start_matches("ENV "));
    let set = lines.filter(|line| line.starts_with("STATOR_"));
    set.filter_map(|line| line.trim_end_matches(" \\").split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn the_settings_file_is_understood_as_it_is_and_filled_in() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let as_it_is = read("packaging/stator.toml");
    // What is only proposed: lines such as `#name = "n1"`.
    let proposed = |line: &str| {
        let named = line.strip_prefix('#').filter(|line| line.starts_with(char::is_alphabetic));
        named.unwrap_or(line).to_owned()
    };
    let filled_in: Vec<String> = as_it_is.lines().map(proposed).collect();
    let path = dir.path().join("stator.toml");
    let shown = path.to_str().expect("a path of letters");

    std::fs::write(&path, &as_it_is).expect("the directory is writable");
    assert!(settings(&["--config", shown], &[]).contains("data = \"/var/lib/stator\""));

    std::fs::write(&path, filled_in.join("\n")).expect("the directory is writable");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, stdout(&run(command("secret")))).expect("the directory is writable");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, mode).expect("the file is ours");
    let told = settings(&["--config", shown], &[]);
    assert!(told.contains("join = \"n2.example:7410,n3.example:7410\""), "{told}");
    assert!(told.contains("secret: set"), "{told}");
}

fn command(name: &str) -> Command {
    let mut command = stator();
    command.arg(name);
    command
}

#[test]
fn five_nodes_of_compose_name_each_other_and_one_of_them_founds() {
    let compose = read("compose.yaml");
    let lists = compose.lines().filter_map(|line| {
        let list = line.trim().strip_prefix("command: [")?.strip_suffix(']')?;
        Some(list.replace("\", \"", "\"\u{0}\""))
    });
    let image = of_image();
    assert_eq!(image.len(), 5, "{image:?}");
    let mut founders = vec![];
    let mut names = vec![];
    for list in lists {
        // Commas within quotes belong to the word.
        let (plain, quoted) = list.split_once('"').expect("the peers are quoted");
        let peers = quoted.trim_end_matches('"');
        let mut words: Vec<&str> = plain.trim_end_matches(", ").split(", ").collect();
        words.push(peers);
        let told = settings(&words[1..], &borrowed(&image));
        let name = words[2].to_owned();
        assert!(told.contains(&format!("advertise = \"{name}\"")), "{told}");
        assert!(told.contains("http = \"0.0.0.0:7411\""), "{told}");
        let mut all: Vec<String> =
            peers.split(',').map(|peer| peer.replace(":7410", "")).chain([name.clone()]).collect();
        all.sort();
        assert_eq!(all, ["n1", "n2", "n3", "n4", "n5"], "{name} and its peers");
        if told.contains("init = \"true\"") {
            founders.push(name.clone());
        }
        names.push(name);
    }
    assert_eq!(names, ["n1", "n2", "n3", "n4", "n5"]);
    assert_eq!(founders, ["n1"]);
}

#[test]
fn pods_name_each_other_and_the_first_founds() {
    let manifest = read("packaging/kubernetes/statefulset.yaml");
    let (_, rest) = manifest.split_once("            - |\n").expect("the script of the seeds");
    let script: Vec<&str> =
        rest.lines().take_while(|line| line.starts_with("              ")).collect();
    let script = script.join("\n");
    let dir = tempfile::tempdir().expect("a temporary directory");
    for pod in ["stator-0", "stator-3", "stator-6"] {
        let path = dir.path().join(pod);
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &script]);
        shell.envs([("POD_NAME", pod), ("POD_NAMESPACE", "ns"), ("FOUNDERS", "5")]);
        let output = run({
            shell.env("CONFIG", &path);
            shell
        });
        assert!(output.status.success(), "{}", stderr(&output));
        let shown = path.to_str().expect("a path of letters");
        let told = settings(&["--config", shown, "--name", pod, "--advertise", pod], &[]);
        let founds = told.contains("init = \"true\"");
        assert_eq!(founds, pod == "stator-0", "{told}");
        let others = (0..5).filter(|k| format!("stator-{k}") != pod);
        let peers: Vec<String> = others.map(|k| format!("stator-{k}.stator.ns.svc:7410")).collect();
        assert!(told.contains(&format!("join = {:?}", peers.join(","))), "{told}");
    }
}

use std::io::Write;

use super::*;
use crate::config::Settings;

fn environment(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(OsString, OsString)> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
    pairs.into_iter()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it is writable");
    file
}

#[test]
fn flags_hold_over_environment_over_file_over_defaults() {
    let file = file("name = \"from-file\"\nzone = \"from-file\"\nweight = 7\n");
    let flags = ServeArgs {
        config: Some(file.path().to_owned()),
        name: Some("from-flag".into()),
        ..ServeArgs::default()
    };
    let variables = [("STATOR_NAME", "from-env"), ("STATOR_ZONE", "from-env"), ("HOME", "/")];
    let layers = Layers::read(&flags, environment(&variables)).expect("all are known");
    assert_eq!(layers.text("name", "n1"), ("from-flag".into(), Source::Flag("--name".into())));
    let from_variable = Source::Variable("STATOR_ZONE".into());
    assert_eq!(layers.text("zone", ""), ("from-env".into(), from_variable));
    assert_eq!(layers.text("weight", ""), ("7".into(), Source::File(file.path().to_owned())));
    assert_eq!(layers.text("peer", "d"), ("d".into(), Source::Default));
    assert_eq!(Settings::parse(&layers).expect("all are valid").weight.get(), 7);
}

#[test]
fn an_unknown_key_of_the_file_is_an_error_that_names_it() {
    let file = file("nmae = \"n1\"\n");
    let flags = ServeArgs { config: Some(file.path().to_owned()), ..ServeArgs::default() };
    let failure = Layers::read(&flags, environment(&[])).expect_err("unknown");
    assert!(failure.to_string().contains("\"nmae\""), "{failure}");
}

#[test]
fn lists_of_the_file_are_joined_and_tables_refused() {
    let good = file("join = [\"a:1\", \"b:2\"]\n");
    let flags = ServeArgs { config: Some(good.path().to_owned()), ..ServeArgs::default() };
    let layers = Layers::read(&flags, environment(&[])).expect("known");
    assert_eq!(Settings::parse(&layers).expect("valid").join, ["a:1", "b:2"]);

    let bad = file("[join]\na = 1\n");
    let flags = ServeArgs { config: Some(bad.path().to_owned()), ..ServeArgs::default() };
    assert!(Layers::read(&flags, environment(&[])).is_err());
}

#[test]
fn a_collector_is_found_as_other_tools_find_it_unless_a_setting_names_one() {
    let file = file("otlp_endpoint = \"http://file:1/\"\ntrace_ratio = 0.5\n");
    let with_file = ServeArgs { config: Some(file.path().to_owned()), ..ServeArgs::default() };
    let variables = [(OTLP_VARIABLE, "http://variable:2/v1/traces")];
    let settings = |flags: &ServeArgs, variables| {
        let layers = Layers::read(flags, environment(variables)).expect("all are known");
        Settings::parse(&layers).expect("all are valid")
    };
    let of_file = settings(&with_file, &variables);
    assert_eq!(of_file.otlp_endpoint.as_deref(), Some("http://file:1/v1/traces"));
    assert!((of_file.trace_ratio - 0.5).abs() < f64::EPSILON);
    let of_variable = settings(&ServeArgs::default(), &variables).otlp_endpoint;
    let expected = cfg!(feature = "otlp").then(|| "http://variable:2/v1/traces".to_owned());
    assert_eq!(of_variable, expected);
    assert_eq!(settings(&ServeArgs::default(), &[]).otlp_endpoint, None);
}

#[test]
fn unknown_variables_are_collected_and_known_ones_are_not() {
    let variables = [("STATOR_NMAE", "x"), ("STATOR_ENDPOINT", "x"), ("STATOR_SECRET", "x")];
    let layers = Layers::read(&ServeArgs::default(), environment(&variables)).expect("text");
    assert_eq!(layers.unknown_variables, ["STATOR_NMAE"]);
}

//! Where the text of a setting comes from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::cli::ServeArgs;
use crate::config::{KNOWN, SECRET_FILE, flag, variable};
use crate::failure::Failure;

/// Variables that are read elsewhere than as settings.
const OTHER_VARIABLES: &[&str] = &[
    "STATOR_SECRET",
    "STATOR_SECRET_FILE",
    "STATOR_CLIENT_KEY",
    "STATOR_CLIENT_KEY_FILE",
    "STATOR_CONFIG",
    "STATOR_ENDPOINT",
    OTLP_VARIABLE,
];

/// The variable by which OpenTelemetry's own tools are told of a collector. It stands for
/// `otlp_endpoint` where nothing else does.
pub(crate) const OTLP_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Who gave the text of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag, by its name with the dashes.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A line of the settings file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The texts of one layer, by the setting's name.
type Texts = BTreeMap<String, String>;

/// All layers, not yet parsed.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    flags: Texts,
    environment: Texts,
    file: Option<(PathBuf, Texts)>,
    /// Variables that look like ours and are not.
    pub(crate) unknown_variables: Vec<String>,
}

impl Layers {
    /// Reads flags, the environment given, and the settings file that either names.
    pub(crate) fn read(
        flags: &ServeArgs,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        let mut layers = Self { flags: of_flags(flags), ..Self::default() };
        let mut path = None;
        for (name, value) in environment {
            let is_ours = |name: &&str| name.starts_with("STATOR_") || *name == OTLP_VARIABLE;
            let Some(name) = name.to_str().filter(is_ours) else { continue };
            let value = value.into_string().map_err(|_| {
                Failure::usage(format!("the variable {name} is not UTF-8"))
                    .try_next("set it to plain text, or unset it")
            })?;
            match KNOWN.iter().find(|known| variable(known.name) == name) {
                Some(known) => {
                    layers.environment.insert(known.name.to_owned(), value);
                }
                None if name == "STATOR_CONFIG" => path = Some(PathBuf::from(value)),
                None if OTHER_VARIABLES.contains(&name) => {
                    layers.environment.insert(name.to_owned(), value);
                }
                None => layers.unknown_variables.push(name.to_owned()),
            }
        }
        if let Some(path) = flags.config.clone().or(path) {
            let texts = of_file(&path)?;
            layers.file = Some((path, texts));
        }
        Ok(layers)
    }

    /// The text that holds for a setting, and where it came from.
    pub(crate) fn text(&self, name: &str, default: &str) -> (String, Source) {
        if let Some(text) = self.flags.get(name) {
            return (text.clone(), Source::Flag(flag(name)));
        }
        if let Some(text) = self.environment.get(name) {
            return (text.clone(), Source::Variable(variable(name)));
        }
        if let Some((path, text)) = self.of_settings_file(name) {
            return (text.to_owned(), Source::File(path.to_owned()));
        }
        if name == "otlp_endpoint"
            && cfg!(feature = "otlp")
            && let Some(text) = self.variable(OTLP_VARIABLE)
        {
            return (text.to_owned(), Source::Variable(OTLP_VARIABLE.to_owned()));
        }
        (default.to_owned(), Source::Default)
    }

    /// A variable that is no plain setting.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// What the settings file says of a name, and which file it is.
    pub(crate) fn of_settings_file(&self, name: &str) -> Option<(&Path, &str)> {
        let (path, texts) = self.file.as_ref()?;
        Some((path, texts.get(name)?))
    }
}

fn of_flags(flags: &ServeArgs) -> Texts {
    let init = flags.init.then(|| "true".to_owned());
    let given = [
        ("name", &flags.name),
        ("data", &flags.data),
        ("init", &init),
        ("join", &flags.join),
        ("advertise", &flags.advertise),
        ("zone", &flags.zone),
        ("weight", &flags.weight),
        ("peer", &flags.peer),
        ("http", &flags.http),
        ("resp", &flags.resp),
        ("partitions", &flags.partitions),
        ("replicas", &flags.replicas),
        ("shards", &flags.shards),
        ("engine", &flags.engine),
        ("max_requests", &flags.max_requests),
        ("max_key_bytes", &flags.max_key_bytes),
        ("max_object_bytes", &flags.max_object_bytes),
        ("max_hint_bytes", &flags.max_hint_bytes),
        ("cache_bytes", &flags.cache_bytes),
        ("scrub_interval", &flags.scrub_interval),
        ("background_bytes_per_second", &flags.background_bytes_per_second),
        ("disk_reserve", &flags.disk_reserve),
        ("slow_request_ms", &flags.slow_request_ms),
        ("otlp_endpoint", &flags.otlp_endpoint),
        ("trace_ratio", &flags.trace_ratio),
        ("log", &flags.log),
        ("log_format", &flags.log_format),
    ];
    let texts = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)));
    texts.collect()
}

fn of_file(path: &Path) -> Result<Texts, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("the settings file {} can't be read: {error}", path.display()))
            .try_next("name another with --config")
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::usage(format!("the settings file {} is not TOML: {error}", path.display()))
    })?;
    table.into_iter().map(|(name, value)| entry(path, name, value)).collect()
}

fn entry(path: &Path, name: String, value: toml::Value) -> Result<(String, String), Failure> {
    if name != SECRET_FILE && !KNOWN.iter().any(|known| known.name == name) {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).chain([SECRET_FILE]).collect();
        return Err(Failure::usage(format!(
            "the settings file {} has the unknown key {name:?}",
            path.display()
        ))
        .try_next(format!("remove it; known are: {}", names.join(", "))));
    }
    match plain(value) {
        Some(text) => Ok((name, text)),
        None => Err(Failure::usage(format!(
            "the settings file {} gives {name} neither text, a number, true or false, nor a list \
             of those",
            path.display()
        ))),
    }
}

fn plain(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.into_iter().map(plain).collect();
            Some(items?.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests;

//! The settings of a node: flags over `STATOR_*` variables over the settings file over defaults.
//!
//! Every layer gives texts by name; only the one that holds is parsed, so that an error can say
//! where the wrong text came from, and `--print-config` where the right one did.

mod layers;
mod memory;
mod secret;
mod settings;

pub(crate) use layers::{Layers, OTLP_VARIABLE, Source};
pub(crate) use secret::{
    SecretSource, admin_token, admin_token_of_environment, client_key_of_environment, generate,
    secret_of_environment,
};
pub(crate) use settings::{EngineChoice, LogFormat, RespListener, Settings, print};

/// A setting that has a name, a default, and may come from any layer.
pub(crate) struct Known {
    /// As in the settings file and behind `--`.
    pub(crate) name: &'static str,
    /// What holds if nobody says anything; empty for none.
    pub(crate) default: &'static str,
}

/// All of them, in the order in which `--print-config` shows them.
pub(crate) const KNOWN: &[Known] = &[
    Known { name: "name", default: "n1" },
    Known { name: "data", default: "stator-data" },
    Known { name: "init", default: "false" },
    Known { name: "join", default: "" },
    Known { name: "advertise", default: "" },
    Known { name: "zone", default: "default" },
    Known { name: "weight", default: "100" },
    Known { name: "peer", default: "127.0.0.1:7410" },
    Known { name: "http", default: "127.0.0.1:7411" },
    Known { name: "resp", default: "127.0.0.1:7412" },
    Known { name: "partitions", default: "256" },
    Known { name: "replicas", default: "3" },
    Known { name: "shards", default: "0" },
    Known { name: "engine", default: "fjall" },
    Known { name: "max_requests", default: "4096" },
    Known { name: "max_key_bytes", default: "65536" },
    Known { name: "max_object_bytes", default: "8388608" },
    Known { name: "max_hint_bytes", default: "8589934592" },
    Known { name: "cache_bytes", default: "" },
    Known { name: "scrub_interval", default: "3600" },
    Known { name: "background_bytes_per_second", default: "134217728" },
    Known { name: "disk_reserve", default: "" },
    Known { name: "slow_request_ms", default: "500" },
    Known { name: "otlp_endpoint", default: "" },
    Known { name: "trace_ratio", default: "0.01" },
    Known { name: "log", default: "info,fjall=warn,lsm_tree=warn" },
    Known { name: "log_format", default: "text" },
];

/// The setting that names a file with the cluster secret; its content is never printed.
pub(crate) const SECRET_FILE: &str = "secret_file";

/// The variable that stands for a setting.
pub(crate) fn variable(name: &str) -> String {
    format!("STATOR_{}", name.to_ascii_uppercase())
}

/// The flag that stands for a setting.
pub(crate) fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

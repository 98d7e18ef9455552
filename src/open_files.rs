//! How many files the process may have open. Each connection is one, and so are the store's: the
//! usual 1,024 would end long before the bound on connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as that is allowed.
pub(crate) fn allow_as_many_as_may_be() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!("no more than {current:?} files can be open: {error}");
    }
}

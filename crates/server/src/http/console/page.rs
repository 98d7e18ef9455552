//! Which pages there are, and what each was asked for.

use super::super::front::Front;
use super::super::problem::{Problem, kind};
use super::form::Form;
use super::sheet::Sheet;
use super::{changes, key, nodes, ring, traffic};

/// A page, and what of it is wanted.
pub(super) enum Page {
    Ring(ring::Asked),
    Nodes,
    Key(key::Asked),
    Changes(changes::Asked),
    Traffic(traffic::Asked),
}

/// All pages: where they are below `/console`, and what they are called.
pub(super) const TABS: [(&str, &str); 5] = [
    ("", "Ring"),
    ("nodes", "Nodes"),
    ("key", "Key"),
    ("changes", "Changes"),
    ("traffic", "Traffic"),
];

impl Page {
    /// The page at a place below `/console`, with the words of its query.
    pub(super) fn read(place: &str, form: &Form) -> Result<Self, Problem> {
        match place {
            "" => Ok(Self::Ring(ring::Asked::read(form)?)),
            "nodes" => Ok(Self::Nodes),
            "key" => Ok(Self::Key(key::Asked::read(form))),
            "changes" => Ok(Self::Changes(changes::Asked::read(form))),
            "traffic" => Ok(Self::Traffic(traffic::Asked::read(form))),
            _ => {
                let detail = "the console has no such page: begin at /console";
                Err(Problem::new(kind::NO_SUCH_PATH, detail))
            }
        }
    }

    /// Where it is below `/console`.
    pub(super) fn place(&self) -> &'static str {
        match self {
            Self::Ring(_) => "",
            Self::Nodes => "nodes",
            Self::Key(_) => "key",
            Self::Changes(_) => "changes",
            Self::Traffic(_) => "traffic",
        }
    }

    /// What its address says beyond that.
    fn query(&self) -> String {
        match self {
            Self::Ring(asked) => asked.query(),
            Self::Key(asked) => asked.query(),
            Self::Traffic(asked) => asked.query(),
            Self::Nodes | Self::Changes(_) => String::new(),
        }
    }

    /// Where its stream of changes is.
    pub(super) fn events(&self) -> String {
        format!("/console/events/{}?{}", self.place(), self.query())
    }

    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Key(_) | Self::Changes(_) => "GET, HEAD, POST",
            Self::Ring(_) | Self::Nodes | Self::Traffic(_) => "GET, HEAD",
        }
    }

    /// Its content as it is now.
    pub(super) async fn sheet(&self, front: &Front) -> Result<Sheet, Problem> {
        match self {
            Self::Ring(asked) => ring::sheet(front, asked).await,
            Self::Nodes => nodes::sheet(front).await,
            Self::Key(asked) => key::sheet(front, asked).await,
            Self::Changes(asked) => changes::sheet(front, asked).await,
            Self::Traffic(asked) => traffic::sheet(front, asked).await,
        }
    }
}

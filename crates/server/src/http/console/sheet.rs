//! A page before it has a frame: blocks one below the other.

use maud::Markup;

/// One block of a page.
pub(super) struct Block {
    /// Its name, if it is kept up to date.
    pub(super) live: Option<&'static str>,
    pub(super) content: Markup,
}

/// A page's content.
pub(super) struct Sheet {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

impl Sheet {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// The same with a block that is kept up to date under a name.
    pub(super) fn live(mut self, name: &'static str, content: Markup) -> Self {
        self.blocks.push(Block { live: Some(name), content });
        self
    }

    /// The same with a block that stays as it is: one with fields that somebody fills in.
    pub(super) fn still(mut self, content: Markup) -> Self {
        self.blocks.push(Block { live: None, content });
        self
    }
}

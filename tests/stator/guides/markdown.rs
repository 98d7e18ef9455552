//! As much of Markdown as the documents use: headings, links, code.

use std::collections::BTreeSet;

use super::shell;

/// A document.
pub(super) struct Page {
    /// What `#…` behind a link to it may say.
    pub(super) anchors: BTreeSet<String>,
    /// Where its links lead, images included.
    pub(super) links: Vec<String>,
    /// Its blocks of code.
    blocks: Vec<Block>,
    /// Its code within lines.
    spans: Vec<String>,
}

struct Block {
    /// Behind the fence; nothing for indented code.
    language: String,
    /// Lines that end in a backslash are joined with the next.
    lines: Vec<String>,
}

impl Page {
    /// Reads a document.
    pub(super) fn parse(text: &str) -> Self {
        let (prose, blocks) = split(text);
        let mut page = Self { anchors: BTreeSet::new(), links: vec![], blocks, spans: vec![] };
        for line in prose.lines().filter(|line| line.starts_with('#')) {
            page.add_anchor(line.trim_start_matches('#').trim());
        }
        let pieces: Vec<&str> = prose.split('`').collect();
        page.spans = pieces.iter().skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect();
        let without_code: String = pieces.iter().step_by(2).copied().collect();
        page.links = links(&without_code);
        page
    }

    /// The anchor that GitHub and mdBook give a heading.
    fn add_anchor(&mut self, heading: &str) {
        let kept = |letter: char| match letter {
            ' ' => Some('-'),
            _ if letter.is_alphanumeric() || matches!(letter, '-' | '_') => {
                Some(letter.to_ascii_lowercase())
            }
            _ => None,
        };
        let slug: String = heading.chars().filter_map(kept).collect();
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(numbered);
        let anchor = free.into_iter().find(|anchor| !self.anchors.contains(anchor));
        self.anchors.extend(anchor);
    }

    /// The lines to be carried out.
    pub(super) fn shell_lines(&self) -> Vec<String> {
        let shell = self.blocks.iter().filter(|block| block.language == "sh");
        shell.flat_map(|block| block.lines.iter().cloned()).collect()
    }

    /// The arguments of all `stator` commands.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let shown = self.blocks.iter().filter(|block| block.language != "text");
        let lines = shown.flat_map(|block| &block.lines).chain(&self.spans);
        lines.flat_map(|line| shell::stator_commands(line)).collect()
    }
}

/// Prose, and blocks of code.
fn split(text: &str) -> (String, Vec<Block>) {
    let (mut prose, mut blocks) = (String::new(), Vec::<Block>::new());
    let (mut fenced, mut indented, mut after_blank) = (false, false, true);
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fenced = !fenced;
            if fenced {
                blocks.push(Block { language: language.to_owned(), lines: vec![] });
            }
            continue;
        }
        let is_indented = line.starts_with("    ") && (after_blank || indented);
        if !fenced && is_indented && !indented {
            blocks.push(Block { language: String::new(), lines: vec![] });
        }
        indented = !fenced && (is_indented || (indented && line.is_empty()));
        after_blank = line.is_empty();
        match blocks.last_mut() {
            Some(block) if fenced || indented => block.push(line.trim()),
            _ => prose.extend([line, "\n"]),
        }
    }
    (prose, blocks)
}

impl Block {
    fn push(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        match self.lines.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line);
            }
            _ => self.lines.push(line.to_owned()),
        }
    }
}

fn links(prose: &str) -> Vec<String> {
    let rests = prose.split("](").skip(1);
    rests.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

#[test]
fn what_a_page_has_is_found() {
    let page = Page::parse(
        "# A `b`, c's d\n## Two\n## Two\nsee [x](y.md#z), `[no](no.md)` and `stator get a b`\n\n    \
         stator put a b \\\n        c\n\n```sh\ncurl x # 1\n```\n```text\nstator nothing\n```\n",
    );
    let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["a-b-cs-d", "two", "two-1"]);
    assert_eq!(page.links, ["y.md#z"]);
    assert_eq!(page.shell_lines(), ["curl x # 1"]);
    assert_eq!(page.commands(), [vec!["put", "a", "b", "c"], vec!["get", "a", "b"]]);
}

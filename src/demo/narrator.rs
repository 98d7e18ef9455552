//! How the tour is told: text for people as it happens, or one JSON line a step.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

/// Tells the tour.
pub(super) struct Narrator {
    json: bool,
    /// Whether every step so far held.
    held: bool,
}

impl Narrator {
    /// One that speaks JSON, or to people.
    pub(super) fn new(json: bool) -> Self {
        Self { json, held: true }
    }

    /// Opens a step.
    pub(super) fn begin(&self, step: u8, title: &str) -> Result<(), Failure> {
        let bold = Style::new().bold();
        self.styled(&format!("\n{bold}{step}. {title}{bold:#}"))
    }

    /// Explains, to people.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        self.styled(text)
    }

    /// Closes a step with what was found, or with why it did not hold.
    pub(super) fn end(
        &mut self,
        step: u8,
        title: &str,
        result: Result<Value, Failure>,
    ) -> Result<(), Failure> {
        let ok = result.is_ok();
        self.held &= ok;
        let (text, figures) = match result {
            Ok(figures) => (mark(AnsiColor::Green, "held"), figures),
            Err(failure) => {
                let text = mark(AnsiColor::Red, "did not hold");
                (format!("{text}: {failure}"), json!({ "error": failure.to_string() }))
            }
        };
        if self.json {
            return output::json(
                &json!({ "step": step, "title": title, "ok": ok, "figures": figures }),
            );
        }
        self.styled(&format!("  {text}"))
    }

    /// Whether every step so far held.
    pub(super) fn held(&self) -> bool {
        self.held
    }

    /// Colour only where it is seen as colour.
    fn styled(&self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        let plain = choice == anstream::ColorChoice::Never;
        if plain {
            return output::line(&anstream::adapter::strip_str(text).to_string());
        }
        output::line(text)
    }
}

fn mark(color: AnsiColor, text: &str) -> String {
    let style = Style::new().bold().fg_color(Some(color.into()));
    format!("{style}{text}{style:#}")
}

//! Headless Chromium, driven by the messages of its debugging protocol over a pipe: what a page says,
//! what is clicked and typed in it, what it complains of, and how it looks.
//!
//! A page is waited for by asking it, never by time. What a browser driver would bring on top
//! (downloads, sockets, a runtime) is not needed here.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::PATIENCE;

/// How long the browser may take to answer.
const ANSWERS: Duration = Duration::from_secs(30);
/// How long it may take to end by itself.
const ENDS: Duration = Duration::from_secs(5);

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) name: &'static str,
    scheme: &'static str,
    width: u32,
}

/// The ways in which every page must be readable.
pub(super) const LOOKS: [Look; 3] = [
    Look { name: "light", scheme: "light", width: 1000 },
    Look { name: "dark", scheme: "dark", width: 1000 },
    Look { name: "phone", scheme: "light", width: 390 },
];

/// A browser with one page.
pub(super) struct Browser {
    child: Child,
    asks: ChildStdin,
    answers: Receiver<Value>,
    events: VecDeque<Value>,
    last: u64,
    session: Option<String>,
    _profile: TempDir,
}

impl Browser {
    /// Where Chromium is: as `STATOR_CHROMIUM` says, or on the path; or why it is nowhere.
    pub(super) fn find() -> Result<PathBuf, String> {
        if let Some(named) = std::env::var_os("STATOR_CHROMIUM") {
            return Ok(named.into());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let mut places = std::env::split_paths(&path)
            .flat_map(|dir| names.iter().map(move |name| dir.join(name)));
        places.find(|place| place.is_file()).ok_or_else(|| {
            format!("none of {} is on the path, and STATOR_CHROMIUM is not set", names.join(", "))
        })
    }

    pub(super) fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new("sh");
        // Messages go over the descriptors 3 and 4, which only a shell can give without `unsafe`.
        command
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program);
        command.args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
        ]);
        command.args(["--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("there is a shell");
        let asks = child.stdin.take().expect("stdin is piped");
        let mut pipe = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (send, answers) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while pipe.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let read = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if send.send(read).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let (events, session) = (VecDeque::new(), None);
        let mut browser =
            Self { child, asks, answers, events, last: 0, session, _profile: profile };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command that must succeed.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Sends a command and waits for its result, or why there is none; what happens meanwhile is
    /// kept.
    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.asks.write_all(&bytes).expect("the browser runs");
        let deadline = Instant::now() + ANSWERS;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = match self.answers.recv_timeout(left) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => panic!("{method}: not within {ANSWERS:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("{method}: the browser has ended"),
            };
            if answer["id"].as_u64() != Some(self.last) {
                self.events.push_back(answer);
                continue;
            }
            return match &answer["error"] {
                Value::Null => Ok(answer["result"].clone()),
                error => Err(error.clone()),
            };
        }
    }

    /// Opens an address, and waits until its page is there with all that it loads.
    pub(super) fn open(&mut self, address: &str) {
        // So that the page before is not taken for it.
        self.eval("window.leaving = true");
        let opened = self.call("Page.navigate", json!({ "url": address }));
        assert!(opened["errorText"].is_null(), "{address}: {}", opened["errorText"]);
        self.until_loaded();
    }

    /// Does something in the page that leads to another one, and waits for that.
    pub(super) fn follow(&mut self, script: &str) {
        self.eval(&format!("window.leaving = true; {script}"));
        self.until_loaded();
    }

    /// Presses a key that leads to another page, and waits for that.
    pub(super) fn press_and_follow(&mut self, key: &str) {
        self.eval("window.leaving = true");
        self.press(key);
        self.until_loaded();
    }

    fn until_loaded(&mut self) {
        self.until("the page is loaded", "!window.leaving && document.readyState === 'complete'");
    }

    /// What a script returns.
    fn eval(&mut self, script: &str) -> Value {
        self.try_eval(script).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What a script returns, or why it returns nothing: between two pages there is none to ask.
    fn try_eval(&mut self, script: &str) -> Result<Value, Value> {
        let evaluate = json!({ "expression": script, "returnByValue": true });
        let result = self.ask("Runtime.evaluate", evaluate)?;
        match &result["exceptionDetails"] {
            Value::Null => Ok(result["result"]["value"].clone()),
            exception => Err(exception.clone()),
        }
    }

    /// Waits until a script returns true.
    pub(super) fn until(&mut self, what: &str, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.try_eval(script);
            if answer == Ok(json!(true)) {
                return;
            }
            let text = self.try_eval("document.body.innerText");
            assert!(Instant::now() < deadline, "{what}: not so, but {answer:?}, in {text:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the page says something.
    pub(super) fn until_says(&mut self, text: &str) {
        self.until(text, &format!("document.body.innerText.includes({})", json!(text)));
    }

    /// A whole number that a script returns.
    pub(super) fn number(&mut self, script: &str) -> i64 {
        let value = self.eval(script);
        value.as_i64().unwrap_or_else(|| panic!("{script} is {value}"))
    }

    /// The text that a script returns.
    pub(super) fn string(&mut self, script: &str) -> String {
        self.eval(script).as_str().unwrap_or_default().to_owned()
    }

    /// Presses a key, as a keyboard does.
    pub(super) fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({
                "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code,
            });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Shows the page as it is meant to be looked at.
    pub(super) fn look(&mut self, look: Look) {
        let scheme = json!({ "name": "prefers-color-scheme", "value": look.scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [scheme] }));
        self.resize(look.width, 800);
    }

    fn resize(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Switches scripts of pages off or on, from the next page on.
    pub(super) fn without_script(&mut self, without: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": without }));
    }

    /// Writes the whole page as a PNG.
    pub(super) fn screenshot(&mut self, look: Look, to: &Path) {
        let height = self.number("document.documentElement.scrollHeight");
        self.resize(look.width, u32::try_from(height).unwrap_or(0).clamp(300, 4000));
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let encoded = shot["data"].as_str().expect("a picture");
        let bytes = STANDARD.decode(encoded).expect("base64");
        std::fs::write(to, bytes).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    }

    /// What the browser has complained of since it was asked last: errors of scripts, what a policy
    /// forbade, what could not be loaded.
    pub(super) fn complaints(&mut self) -> Vec<String> {
        // Whatever was reported before this answer has arrived with it.
        self.eval("0");
        let complaint = |event: Value| match event["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(event["params"]["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if event["params"]["type"] == "error" => {
                Some(event["params"]["args"].to_string())
            }
            "Log.entryAdded" if event["params"]["entry"]["level"] == "error" => {
                Some(event["params"]["entry"].to_string())
            }
            "Network.responseReceived"
                if event["params"]["response"]["status"].as_u64()? >= 400 =>
            {
                Some(event["params"]["response"]["url"].to_string())
            }
            _ => None,
        };
        std::mem::take(&mut self.events).into_iter().filter_map(complaint).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let _ = self.asks.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let deadline = Instant::now() + ENDS;
        while Instant::now() < deadline {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

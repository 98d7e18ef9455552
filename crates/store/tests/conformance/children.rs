//! Child processes: the test binary runs one of its own ignored tests, which speaks to its parent
//! in words on its standard output.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdout, Command, Stdio};
use std::{env, io};

const DIR: &str = "STATOR_STORE_TEST_DIR";
const WORD: &str = "word: ";

pub(crate) struct Child {
    process: process::Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts the ignored test `name` on a store in `dir`.
    pub(crate) fn run(name: &str, dir: &Path) -> Self {
        Self::start(&mut Command::new(Self::executable()), name, dir)
    }

    /// The same behind a shell that has run `preparation`.
    pub(crate) fn run_in_shell(preparation: &str, name: &str, dir: &Path) -> Self {
        let script = format!("{preparation}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(Self::executable());
        Self::start(&mut shell, name, dir)
    }

    fn executable() -> PathBuf {
        env::current_exe().expect("a test binary has a path")
    }

    fn start(command: &mut Command, name: &str, dir: &Path) -> Self {
        let command = command.args(["--exact", name, "--ignored", "--nocapture"]).env(DIR, dir);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("starts");
        let output = process.stdout.take().expect("it was asked for");
        Self { process, output: BufReader::new(output).lines() }
    }

    /// What the child says next; nothing when it has ended.
    pub(crate) fn next_word(&mut self) -> Option<String> {
        let mut lines = self.output.by_ref().map_while(Result::ok);
        lines.find_map(|line| line.strip_prefix(WORD).map(str::to_owned))
    }

    /// Kills the child at once, as `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is our child");
        self.process.wait().expect("it is our child");
    }

    /// Lets the child end and sees that its test has passed.
    pub(crate) fn finish(mut self) {
        drop(self.process.stdin.take());
        while let Some(line) = self.output.next().and_then(Result::ok) {
            println!("child: {line}");
        }
        assert!(self.process.wait().expect("it is our child").success());
    }

    /// In the child: where its store is. Nothing if no parent runs it.
    pub(crate) fn dir() -> Option<PathBuf> {
        env::var_os(DIR).map(PathBuf::from)
    }

    /// In the child: says a word to the parent. The line before it may be one of the test runner.
    pub(crate) fn say(word: &str) {
        println!("\n{WORD}{word}");
    }

    /// In the child: waits until the parent has nothing more to say.
    pub(crate) fn wait_for_parent() {
        let mut rest = String::new();
        io::stdin().read_line(&mut rest).expect("readable");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Fails if it has ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

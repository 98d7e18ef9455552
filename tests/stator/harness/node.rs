//! One node: a process of the binary, its directory, its ports.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Answer, Request, free_ports, run, run_with, stator, until};

/// A node. Dropping it kills its process.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) peer: String,
    pub(crate) http: String,
    pub(crate) resp: String,
    pub(crate) data: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node that is not started yet, with a directory and a log below `dir`.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let port = free_ports(3);
        Self {
            name: name.to_owned(),
            peer: format!("127.0.0.1:{port}"),
            http: format!("127.0.0.1:{}", port + 1),
            resp: format!("127.0.0.1:{}", port + 2),
            data: dir.join(name),
            log: dir.join(format!("{name}.log")),
            child: None,
        }
    }

    /// The command that starts it.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = stator();
        command.args(["serve", "--name", &self.name, "--peer", &self.peer, "--http", &self.http]);
        command.args(["--resp", &self.resp, "--shards", "2", "--data"]).arg(&self.data).args(more);
        command
    }

    /// Starts it, and waits until its HTTP door answers.
    pub(crate) fn start(&mut self, more: &[&str]) {
        self.start_as(self.command(more));
    }

    /// The same, from a shell that allows its children so many open files, and that they ask for
    /// more.
    pub(crate) fn start_with_few_files(&mut self, files: u32, more: &[&str]) {
        let command = self.command(more);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -Sn {files}; exec \"$0\" \"$@\""));
        shell.arg(command.get_program()).args(command.get_args());
        self.start_as(shell);
    }

    fn start_as(&mut self, mut command: Command) {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.expect("the directory is writable");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the binary was built"));
        until(&format!("{} answers", self.name), || {
            self.assert_running();
            Request::get("/livez").try_send(&self.http).filter(|answer| answer.status == 200)
        });
    }

    /// Kills it as a power cut would: no signal that it could handle.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.kill().expect("the process is ours");
        child.wait().expect("a killed process ends");
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the node was started").id()
    }

    /// Stops all of its threads where they are, and waits until they are: a signal that was sent
    /// has not arrived yet.
    pub(crate) fn stand_still(&self) {
        self.signal(Signal::STOP);
        until("every thread stands still", || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).ok()?;
            let mut stats = threads.map(|thread| {
                std::fs::read_to_string(thread.expect("the process is there").path().join("stat"))
            });
            // The state follows the name, which is in parentheses and may hold any of them.
            let stands =
                |stat: String| stat.rsplit_once(") ").is_some_and(|it| it.1.starts_with('T'));
            stats.all(|stat| stat.is_ok_and(stands)).then_some(())
        });
    }

    /// Lets it go on after [`Self::stand_still`].
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process has an id");
        kill_process(pid, signal).expect("the process is ours");
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("the node was started");
        until("the node ends", || child.try_wait().expect("the process is ours"))
    }

    /// What it has logged.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a request over a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.try_send(&self.http).unwrap_or_else(|| panic!("{} gave no answer", self.name))
    }

    /// A command that talks to this node, not yet run.
    pub(crate) fn client(&self, arguments: &[&str]) -> Command {
        let mut command = stator();
        command.args(arguments).env("STATOR_ENDPOINT", format!("http://{}", self.http));
        command
    }

    /// Runs a command against this node.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        run(self.client(arguments))
    }

    /// Runs a command against this node with these bytes on stdin.
    pub(crate) fn cli_with(&self, arguments: &[&str], stdin: &[u8]) -> Output {
        run_with(self.client(arguments), stdin)
    }

    fn assert_running(&mut self) {
        let Some(child) = &mut self.child else { return };
        if let Some(status) = child.try_wait().expect("the process is ours") {
            panic!("{} ended by itself ({status}): {}", self.name, self.logged());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let _ = child.kill();
        let _ = child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.name, self.logged());
        }
    }
}

//! The service in a process of its own.

use std::{env, net::TcpListener, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A port at which nobody listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Killed when the value is dropped.
pub struct Service {
    pub address: String,
    process: Child,
    lines: watch::Receiver<Vec<String>>,
    reader: JoinHandle<()>,
}

impl Service {
    pub async fn start() -> Self {
        Self::start_at(free_port()).await
    }

    /// Runs PAYMENT_SIM, a command line, at the port and waits until it is ready.
    pub async fn start_at(port: u16) -> Self {
        Self::start_with(port, &[]).await
    }

    pub async fn start_with(port: u16, variables: &[(&str, &str)]) -> Self {
        let mut process = command(port).envs(variables.iter().copied()).spawn().unwrap();
        let (sender, lines) = watch::channel(Vec::new());
        let reader = tokio::spawn(read(process.stdout.take().unwrap(), sender));
        let service = Self {
            address: format!("127.0.0.1:{port}"),
            process,
            lines,
            reader,
        };
        service.logs(r#""Payment Sim is ready""#).await;
        service
    }

    /// Waits until the text is in a line of the log.
    pub async fn logs(&self, text: &str) {
        let mut lines = self.lines.clone();
        let found = lines.wait_for(|lines| lines.iter().any(|line| line.contains(text)));
        if !matches!(timeout(PATIENCE, found).await, Ok(Ok(_))) {
            panic!("no {text} in {:#?}", self.lines.borrow());
        }
    }

    /// The lines of the log from warn on.
    pub fn errors(&self) -> Vec<String> {
        let mut lines = self.lines.borrow().clone();
        lines.retain(|line| !line.starts_with(r#"{"level":"info""#));
        lines
    }

    /// Asks it to end, as Kubernetes does.
    pub fn terminate(&self) {
        let id = self.process.id().unwrap().try_into().unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
    }

    /// Waits until it has ended, and all that it logged is there.
    pub async fn ended(&mut self) {
        let ended = timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}: {:#?}", self.lines.borrow());
        (&mut self.reader).await.unwrap();
    }

    pub async fn stop(&mut self) {
        self.terminate();
        self.ended().await;
    }
}

fn command(port: u16) -> Command {
    let line = env::var("PAYMENT_SIM").expect("PAYMENT_SIM must be the command that runs the service");
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("PAYMENT_SIM is empty"));
    command
        .args(words)
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--health-port", "0", "--delay", "200ms"])
        .env("EVENTBRIDGE", "off")
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn read(output: ChildStdout, sender: watch::Sender<Vec<String>>) {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        sender.send_modify(|log| log.push(line));
    }
}

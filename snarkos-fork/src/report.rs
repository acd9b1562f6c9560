//! How panics and errors reach the operator, like upstream: on the terminal while there is one or no logger
//! yet, otherwise through the log.

use std::{
    backtrace::Backtrace,
    io::{self, IsTerminal},
};

use snarkvm::utilities::{display_error, flatten_error};
use tracing::{log::logger, subscriber::NoSubscriber};

fn on_terminal() -> bool {
    let has_logger = tracing::dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>());
    io::stderr().is_terminal() || !has_logger
}

pub fn info(text: &str) {
    if text.is_empty() {
        return;
    }
    match on_terminal() {
        true => println!("{text}"),
        false => tracing::info!("{text}"),
    }
}

fn complain(text: &str) {
    match on_terminal() {
        true => eprintln!("{text}"),
        false => tracing::error!("{text}"),
    }
}

pub fn error(error: &anyhow::Error) {
    match on_terminal() {
        true => {
            display_error(error);
            eprintln!("\nUse `--help` for instructions on how to use this command");
        }
        false => tracing::error!("{}", flatten_error(error)),
    }
}

pub fn bug() {
    complain("This is most likely a bug in snarkOS or in the pool; the lines above say where");
}

pub fn exit(code: i32) -> ! {
    tracing::debug!("stopping the process with exit code {code}");
    logger().flush();
    std::process::exit(code)
}

/// One message with a backtrace per panic, whichever thread it happens on.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::force_capture().to_string();
        let frames: Vec<&str> = backtrace
            .lines()
            .skip_while(|line| !line.contains("core::panicking"))
            .take_while(|line| !line.contains("snarkos::main"))
            .collect();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        complain(&format!("unexpected error on thread '{thread}': {panic}\n{}", frames.join("\n")));
    }));
}

//! The filters of the running logger, which can be changed.
//!
//! Upstream creates its logger once, deep inside its command line, from the flags. A patch passes each filter
//! through [`changeable`]; from then on [`add_directive`] changes what is logged. A small, separate crate,
//! because upstream's command line depends on it and takes minutes to compile.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use tracing_subscriber::{EnvFilter, filter::ParseError, reload};

type Add = Box<dyn Fn(&str) -> Result<(), LoggerError> + Send>;

/// One for each filter of the process: of the screen, of the file. There is one logger per process.
static FILTERS: Mutex<Vec<Add>> = Mutex::new(Vec::new());

/// Why the logging cannot be changed.
#[derive(thiserror::Error, Debug)]
pub enum LoggerError {
    #[error("this program has no logger that could be changed")]
    NoLogger,
    #[error("not a log directive such as snarkos_node_router=debug: {0}")]
    Directive(#[from] ParseError),
    #[error("the logger is gone: {0}")]
    Gone(#[from] reload::Error),
}

/// Makes a filter to which directives can be added while it is used.
pub fn changeable<S: 'static>(filter: EnvFilter) -> reload::Layer<EnvFilter, S> {
    let (layer, handle) = reload::Layer::new(filter);
    let add = move |directive: &str| {
        let directive = directive.parse()?;
        Ok(handle.modify(|filter| *filter = std::mem::take(filter).add_directive(directive))?)
    };
    FILTERS.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(add));
    layer
}

/// Adds a directive, e.g. `snarkos_node_router=debug`, to every filter. The others stay, except one for the same
/// target.
///
/// # Errors
/// If it is not a directive, or there is no logger.
pub fn add_directive(directive: &str) -> Result<(), LoggerError> {
    let filters = FILTERS.lock().unwrap_or_else(PoisonError::into_inner);
    if filters.is_empty() {
        return Err(LoggerError::NoLogger);
    }
    filters.iter().try_for_each(|add| add(directive))
}

#[cfg(test)]
mod tests {
    use tracing::{Level, enabled, subscriber};
    use tracing_subscriber::{Layer, fmt, prelude::*, registry};

    use super::*;

    #[test]
    fn a_directive_changes_what_is_logged_from_then_on() {
        assert!(matches!(add_directive("pool_=debug"), Err(LoggerError::NoLogger)));
        let layer = fmt::layer().with_writer(std::io::sink).with_filter(changeable(EnvFilter::new("warn")));
        subscriber::with_default(registry().with(layer), || {
            let shown = || enabled!(target: "pool_plugin", Level::DEBUG);
            assert!(!shown());
            add_directive("pool_=debug").unwrap();
            assert!(shown());
            assert!(!enabled!(target: "other", Level::INFO), "the others stay");
            add_directive("pool_=error").unwrap();
            assert!(!shown(), "the later one counts");
            assert!(matches!(add_directive("pool_=loud"), Err(LoggerError::Directive(_))));
        });
        assert!(matches!(add_directive("pool_=debug"), Err(LoggerError::Gone(_))));
    }
}

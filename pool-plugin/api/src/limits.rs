//! How many requests one address may send.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;
use pool_core::source::Source;

use crate::{client, problem::Problem};

/// How many addresses are remembered before quiet ones are forgotten.
const MANY: usize = 10_000;

/// The requests of all addresses.
pub struct Limits {
    proxies: Vec<IpNet>,
    per_minute: u32,
    limiter: DefaultKeyedRateLimiter<Source>,
    clock: DefaultClock,
}

impl Limits {
    /// This many requests a minute for each address; all of them may come at once.
    pub fn new(per_minute: u32, proxies: Vec<IpNet>) -> Arc<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::dashmap(quota);
        Arc::new(Self { proxies, per_minute, limiter, clock: DefaultClock::default() })
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        let source = client::source(request, &self.proxies);
        self.limiter.check_key(&source).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let detail =
                format!("more than {} requests a minute from your address: try again later", self.per_minute);
            Problem::too_many(detail, wait.as_secs().saturating_add(1))
        })
    }
}

/// Refuses requests over the limit.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    match limits.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn an_address_has_its_number_of_requests_and_others_have_theirs() {
        let limits = Limits::new(3, vec!["127.0.0.0/8".parse().unwrap()]);
        let from = |ip: &str| {
            let request = Request::builder().header("x-forwarded-for", ip).body(Body::empty()).unwrap();
            limits.check(&request)
        };
        for _ in 0..3 {
            assert_eq!(from("192.0.2.1"), Ok(()));
        }
        assert!(from("192.0.2.1").is_err());
        assert_eq!(from("192.0.2.2"), Ok(()));
        assert!((0..4).filter(|last| from(&format!("2001:db8::{last}")).is_err()).count() == 1, "one /64");
    }
}

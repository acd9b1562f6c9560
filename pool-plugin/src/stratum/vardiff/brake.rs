//! The brake: raises everybody's lowest target while verification is behind, long before a share is dropped.

use std::time::Duration;

/// Verification is behind when a share waits longer than this.
const BEHIND: Duration = Duration::from_secs(1);
/// It has room again when a share waits less than this.
const ROOM: Duration = Duration::from_millis(100);
/// The pause between two steps up, so that one takes effect before the next.
const STEP_UP: Duration = Duration::from_secs(10);
/// The pause between two steps down.
const STEP_DOWN: Duration = Duration::from_secs(60);
/// The most doublings: no target can follow more.
const MOST: u32 = 40;

/// How hard the pool brakes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brake {
    doublings: u32,
    changed: Option<Duration>,
    /// How many shares waited at the last check.
    waited: usize,
}

impl Brake {
    /// Notes the verification queue, once a second: how many shares wait, and how many were verified since
    /// the last check. Returns the doublings of every target from now on.
    ///
    /// A long queue alone does not mean that verification is behind: on an idle pool two shares that just
    /// came outnumber those verified before. It is behind when those of the last check still wait as well.
    pub fn look(&mut self, now: Duration, queued: usize, verified_last_second: u64) -> u32 {
        let still_wait = self.waited as u64 > verified_last_second;
        self.waited = queued;
        let wait = Duration::from_secs_f64(queued as f64 / verified_last_second.max(1) as f64);
        let since = self.changed.map_or(Duration::MAX, |changed| now.saturating_sub(changed));
        let next = match wait {
            wait if wait > BEHIND && still_wait && since >= STEP_UP => (self.doublings + 1).min(MOST),
            wait if wait < ROOM && since >= STEP_DOWN => self.doublings.saturating_sub(1),
            _ => self.doublings,
        };
        if next != self.doublings {
            self.doublings = next;
            self.changed = Some(now);
        }
        self.doublings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn it_brakes_step_by_step_while_behind_and_lets_go_slowly() {
        let mut brake = Brake::default();
        assert_eq!(brake.look(seconds(0), 1000, 1000), 0, "a second of work is not behind");
        assert_eq!(brake.look(seconds(1), 5000, 1000), 0, "none of these has waited for a second yet");
        assert_eq!(brake.look(seconds(2), 9000, 1000), 1, "these have");
        assert_eq!(brake.look(seconds(3), 9000, 1000), 1, "the first step has not shown yet");
        assert_eq!(brake.look(seconds(12), 9000, 1000), 2);
        assert_eq!(brake.look(seconds(60), 500, 1000), 2, "neither behind nor idle");
        assert_eq!(brake.look(seconds(71), 0, 1000), 2);
        assert_eq!(brake.look(seconds(72), 0, 1000), 1);
        assert_eq!(brake.look(seconds(132), 0, 1000), 0);
        assert_eq!(brake.look(seconds(999), 0, 1000), 0);
    }

    #[test]
    fn a_stalled_verification_is_behind_too() {
        let mut brake = Brake::default();
        assert_eq!(brake.look(seconds(0), 2, 0), 0);
        assert_eq!(brake.look(seconds(1), 2, 0), 1);
    }

    #[test]
    fn a_few_shares_on_an_idle_pool_do_not_brake() {
        let mut brake = Brake::default();
        for second in 0..100 {
            // They come just before every other check, and are verified right after it.
            let (queued, verified) = if second % 2 == 0 { (3, 0) } else { (0, 3) };
            assert_eq!(brake.look(seconds(second), queued, verified), 0);
        }
    }

    /// A pool of miners that all follow their targets, and threads that can verify a hundredth of their
    /// shares.
    #[test]
    fn the_loop_settles_where_verification_keeps_up() {
        let mut brake = Brake::default();
        let (mut queued, mut most, mut doublings) = (0u64, 0, 0);
        for second in 0..3600 {
            // Sessions update their targets every few seconds: the load follows the brake late.
            let coming = 100_000 >> if second % 5 == 0 { brake.doublings } else { doublings };
            doublings = brake.doublings;
            queued += coming;
            let verified = queued.min(1000);
            queued -= verified;
            most = most.max(queued);
            brake.look(seconds(second), queued as usize, verified);
        }
        assert!(most < 1 << 21, "{most} waited");
        assert!(queued < 5000, "{queued} still wait");
    }
}

//! What the release policies earn, by budget and finds per epoch. `docs/release.md` explains the figures.

use pool_plugin::release::policy::{Policy, simulation};

const BUDGETS: [u64; 6] = [1, 3, 5, 10, 25, 50];
const FINDS: [u32; 7] = [1, 5, 20, 50, 100, 200, 500];
const EPOCHS: u32 = 400;

fn main() {
    let mut random = rand::rng();
    println!("budget finds  immediate  best-of-epoch  gain  missed");
    let (mut worst_ample, mut best, mut missed) = (f64::INFINITY, 0.0_f64, 0.0_f64);
    for budget in BUDGETS {
        for finds in FINDS {
            let scenario = simulation::Scenario { budget, finds: finds.into(), others: 0.15, drift: 0.003 };
            let mut mean = |policy| simulation::mean(policy, &scenario, EPOCHS, &mut random);
            let (immediate, held) = (mean(Policy::Immediate), mean(Policy::BestOfEpoch));
            let gain = held.reward / immediate.reward;
            println!(
                "{budget:6} {finds:5}  {:9.2}  {:13.2}  {gain:4.2}  {:6.3}",
                immediate.reward / 1e6,
                held.reward / 1e6,
                held.missed
            );
            println!("policy.gain.{budget}_of_{finds}: {gain:.3}");
            if u64::from(finds) >= 2 * budget {
                worst_ample = worst_ample.min(gain);
                best = best.max(gain);
            }
            missed = missed.max(held.missed / held.landed.max(1.0));
        }
    }
    println!("policy.least_gain: {worst_ample:.3}");
    println!("policy.greatest_gain: {best:.3}");
    println!("policy.greatest_miss: {missed:.4}");
}

//! The processes of a bench, which get commands line by line, and figures from their answers.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// The kernel's clock ticks per second, in all of Linux's `/proc`.
const TICKS_PER_SECOND: u64 = 100;

/// A process that is killed when dropped.
pub struct Helper {
    name: String,
    child: Child,
    /// `None` once its input is closed.
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    pub fn start(program: &str, args: &[String]) -> Result<Self> {
        let name = program.rsplit('/').next().unwrap_or(program).to_string();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{name} has no pipes");
        };
        Ok(Self { name, child, input: Some(input), output: BufReader::new(output).lines() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&mut self, command: &str) -> Result<()> {
        let written = self.input.as_mut().map(|input| writeln!(input, "{command}"));
        matches!(written, Some(Ok(()))).then_some(()).with_context(|| format!("{} has ended", self.name))
    }

    /// Closes its input, and waits until it has ended in order.
    pub fn finish(mut self) -> Result<()> {
        self.input = None;
        while self.output.next().is_some() {}
        let status = self.child.wait()?;
        ensure!(status.success(), "{} has failed: {status}", self.name);
        Ok(())
    }

    /// The numbers that follow `word` in the answer to `command`.
    pub fn ask_numbers(&mut self, command: &str, word: &str) -> Result<Vec<u64>> {
        let answer = self.ask(command, word)?;
        Ok(answer.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }

    /// What follows `word` on the next line that begins with it.
    pub fn answer(&mut self, word: &str) -> Result<String> {
        loop {
            let line = self.line()?;
            let rest = line.strip_prefix(word);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
                return Ok(rest.trim().to_string());
            }
        }
    }

    pub fn line(&mut self) -> Result<String> {
        let line = self.output.next().with_context(|| format!("{} has ended", self.name))?;
        Ok(line?)
    }

    pub fn ask(&mut self, command: &str, word: &str) -> Result<String> {
        self.tell(command)?;
        self.answer(word)
    }

    /// For a crowd of one behaviour: its results, as a line, and the 99th percentile of the answer times
    /// since the last report, in milliseconds.
    pub fn report(&mut self) -> Result<(String, f64)> {
        self.tell("report")?;
        let line = self.line()?;
        self.answer("end")?;
        let (_, p99) = line.rsplit_once(' ').context("a report without figures")?;
        let p99 = p99.parse()?;
        Ok((line, p99))
    }

    /// For a paused crowd: the time of each of its `miners` from `hook` (nanoseconds since 1970) to the
    /// arrival of its job, in milliseconds, sorted.
    pub fn arrivals(&mut self, hook: u64, miners: usize) -> Result<Vec<f64>> {
        let arrivals = self.answer("arrivals")?;
        let arrivals: Vec<u64> = arrivals.split(' ').flat_map(str::parse).collect();
        ensure!(arrivals.len() == miners, "{} of {miners} miners got the new job", arrivals.len());
        let mut latencies: Vec<f64> =
            arrivals.iter().map(|arrival| arrival.saturating_sub(hook) as f64 / 1e6).collect();
        latencies.sort_by(f64::total_cmp);
        Ok(latencies)
    }

    /// Memory that is in use, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kibibytes.context("no VmRSS in /proc")?.trim().parse::<u64>()? * 1024)
    }

    /// CPU time used since the start, in user and kernel mode together.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        // The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').context("no name in /proc")?;
        let times: Vec<u64> = fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        Ok(Duration::from_millis(times.iter().sum::<u64>() * 1_000 / TICKS_PER_SECOND))
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("{} has ended: no {path}", self.name))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value below which a `share` of the sorted values lie; 0 without values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_many_few_and_none() {
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 0.5), percentile(&hundred, 0.99)), (50.0, 99.0));
        assert_eq!((percentile(&[7.0], 0.99), percentile(&[], 0.5)), (7.0, 0.0));
    }

    #[test]
    fn a_helper_answers_and_is_measured() {
        let mut helper = Helper::start("/bin/cat", &[]).unwrap();
        helper.tell("other words").unwrap();
        assert_eq!(helper.ask("ready 5", "ready").unwrap(), "5");
        assert!(helper.resident().unwrap() > 0);
        assert!(helper.cpu().unwrap() < Duration::from_secs(10));
        assert!(Helper::start("/bin/true", &[]).unwrap().answer("x").is_err());
    }
}

//! `weaknet ctl` beside a running link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::support::Sandbox;

const SLOW: &str = "\
name: slow
duration: 1s
network:
  forward: {rate: 1Mbps, delay: 2ms}
  backward: {rate: 3Mbps, delay: 2ms}
";

/// What a link says of itself first: `link NAME: ...`.
fn name(stderr: &mut impl std::io::BufRead) -> Result<String, String> {
    let mut line = String::new();
    let read = stderr.read_line(&mut line);
    let name = line
        .strip_prefix("link ")
        .and_then(|rest| rest.split_once(':'));
    match (read, name) {
        (Ok(_), Some((name, _))) => Ok(name.to_owned()),
        _ => Err(line),
    }
}

#[test]
fn plain_lines_follow_a_link_and_what_changes_it() {
    let sandbox = Sandbox::new(&[("slow.yaml", SLOW)]);
    let mut link = sandbox
        .command(&["live", "slow.yaml", "--", "sleep", "60"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(link.stderr.take().unwrap());
    let name = match name(&mut stderr) {
        Ok(name) => name,
        Err(message) => {
            let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
            let code = link.wait().unwrap().code();
            assert!(code == Some(77) && !required, "{code:?} {message}");
            let _ = writeln!(std::io::stderr(), "skipped: {message}");
            return;
        }
    };
    let mut watching = sandbox
        .command(&["ctl", "--link", &name, "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains(" of 1.00 Mbit/s, queue 0.0 ms"), "{first}");
    assert!(
        first.contains("| backward 0 bit/s of 3.00 Mbit/s"),
        "{first}"
    );
    let set = ["ctl", "--link", &name, "set", "network.forward.rate=2Mbps"];
    sandbox.run(&set).ok();
    // A second may have begun before.
    let changed = lines.by_ref().take(4).map(Result::unwrap);
    let changed: Vec<String> = changed.collect();
    let expected = " of 2.00 Mbit/s, queue 0.0 ms";
    assert!(
        changed.iter().any(|line| line.contains(expected)),
        "{changed:?}"
    );
    let interrupted = Command::new("kill")
        .args(["-INT", &link.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    assert_eq!(link.wait().unwrap().code(), Some(130));
    // It ends with the link.
    assert!(watching.wait().unwrap().success());
}

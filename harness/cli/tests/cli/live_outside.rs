//! The outside network at the right end: one that the test makes, with a web server.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::live_support::{Ran, has, run, world};

/// A machine with a default route to a server at 203.0.113.2 and 2001:db8::2.
const MACHINE: &str = "\
mount -t tmpfs none /run
mkdir /run/netns /run/page
echo hello >/run/page/index.html
ip link set lo up
ip netns add server
ip link add o0 type veth peer name s0 netns server
ip addr add 203.0.113.1/24 dev o0
ip addr add 2001:db8::1/64 dev o0 nodad
ip link set o0 up
ip -n server addr add 203.0.113.2/24 dev s0
ip -n server addr add 2001:db8::2/64 dev s0 nodad
ip -n server link set s0 up
ip route add default via 203.0.113.2
ip -6 route add default via 2001:db8::2
trap 'kill $server $local' EXIT
serve='python3 -m http.server --directory /run/page'
ip netns exec server $serve --bind :: 8000 >/dev/null 2>&1 & server=$!
$serve --bind 127.0.0.1 8001 >/dev/null 2>&1 & local=$!
for _ in 1 2 3 4 5 6 7 8 9; do
    curl -s http://203.0.113.2:8000/ && curl -s http://127.0.0.1:8001/ && break
    sleep 0.3
done >/dev/null
";
const TOOLS: [&str; 3] = ["ip", "curl", "python3"];

/// A shell line in there.
fn on_machine(line: &str) -> Ran {
    run(world(&format!("{MACHINE}\n{line}")))
}

fn has_all(program: &str) -> bool {
    let mut tools = TOOLS.to_vec();
    tools.push(program);
    has(&tools)
}

#[test]
fn a_server_outside_is_reached_by_both_families() {
    if !has_all("passt") {
        return;
    }
    let said = on_machine(
        "\"$WEAKNET\" live clean --outside -- sh -euc '
            curl -sS -m 10 http://203.0.113.2:8000/
            curl -sS -m 10 \"http://[2001:db8::2]:8000/\"
            curl -sS -m 10 http://$WEAKNET_PEER:8001/'",
    );
    assert_eq!(said.ok(), "hello\nhello\nhello\n");
}

#[test]
fn slirp4netns_does_where_there_is_no_passt() {
    if !has_all("slirp4netns") {
        return;
    }
    let said = on_machine(
        "mkdir /run/bin
         for tool in slirp4netns sh curl; do ln -s \"$(command -v $tool)\" /run/bin/; done
         PATH=/run/bin \"$WEAKNET\" live clean --outside -- sh -euc '
            curl -sS -m 10 http://203.0.113.2:8000/
            curl -sS -m 10 http://$WEAKNET_PEER:8001/'",
    );
    assert_eq!(said.ok(), "hello\nhello\n");
}

#[test]
fn root_can_masquerade_where_there_is_neither() {
    if !has_all("nft") {
        return;
    }
    let said = on_machine(
        "mkdir /run/bin
         for tool in nft sh curl; do ln -s \"$(command -v $tool)\" /run/bin/; done
         tables() { nft list tables | wc -l; }
         try() { PATH=/run/bin \"$WEAKNET\" live clean --outside -- \"$@\"; }
         echo 0 >/proc/sys/net/ipv4/ip_forward
         try true 2>&1 | grep -o 'does not forward'
         echo 1 >/proc/sys/net/ipv4/ip_forward
         try curl -sS -m 10 http://203.0.113.2:8000/
         tables
         (PATH=/run/bin exec \"$WEAKNET\" live clean --outside -- /bin/sleep 71626.25) & wire=$!
         until [ $(tables) = 1 ]; do sleep 0.05; done
         kill -9 $wire
         until [ $(tables) = 0 ]; do sleep 0.05; done
         ip link show | grep -c wn || echo nothing left",
    );
    let expected = "does not forward\nhello\n0\n0\nnothing left\n";
    assert_eq!(said.ok(), expected);
}

#[test]
fn the_way_outside_is_the_link() {
    if !has_all("passt") {
        return;
    }
    let ran = on_machine(
        "\"$WEAKNET\" live clean --set network.backward.loss=100% --outside -- \
            curl -sS -m 2 http://203.0.113.2:8000/",
    );
    assert_eq!(ran.code, Some(28), "curl's time is over: {ran:?}");
    assert!(ran.err.contains("backward: "), "{ran:?}");
}

#[test]
fn a_resolver_out_of_reach_is_replaced() {
    if !has_all("passt") {
        return;
    }
    let said = on_machine(
        "echo nameserver 127.0.0.53 >/run/resolver
         mount --bind /run/resolver /etc/resolv.conf
         \"$WEAKNET\" live clean --outside -- cat /etc/resolv.conf
         cat /etc/resolv.conf
         echo nameserver 203.0.113.2 >/run/resolver
         \"$WEAKNET\" live clean --outside -- cat /etc/resolv.conf",
    );
    let expected = "nameserver 198.18.0.2\nnameserver 127.0.0.53\nnameserver 203.0.113.2\n";
    assert_eq!(said.ok(), expected);
}

#[test]
fn what_is_missing_is_said() {
    if !has(&TOOLS) {
        return;
    }
    let ran = on_machine("PATH=/nowhere \"$WEAKNET\" live clean --outside -- true");
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert!(ran.err.contains("neither passt nor slirp4netns"), "{ran:?}");
    if has(&["passt"]) {
        let ran = on_machine(
            "ip route del default; ip -6 route del default
             mkdir /run/bin; ln -s \"$(command -v passt)\" /run/bin/
             PATH=/run/bin \"$WEAKNET\" live clean --outside -- true",
        );
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("outside network by passt"), "{ran:?}");
    }
}

/// The processes below one, itself left out.
fn below(id: u32) -> Vec<u32> {
    let parent = |id: &u32| -> Option<u32> {
        let state = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        state
            .rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    let names = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<u32> = names
        .filter_map(|name| name.file_name().to_str()?.parse().ok())
        .collect();
    let mut found = vec![id];
    loop {
        let more = all.iter().copied().find(|id| {
            !found.contains(id) && parent(id).is_some_and(|parent| found.contains(&parent))
        });
        match more {
            Some(more) => found.push(more),
            None => break,
        }
    }
    found.split_off(1)
}

fn is_gone(id: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = state.rsplit(')').next().unwrap_or_default();
    state.is_empty() || state.trim_start().starts_with(['Z', 'X'])
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nothing_is_left_behind_when_it_is_killed() {
    for (program, hide) in [("passt", ""), ("slirp4netns", "PATH=/run/bin")] {
        if !has_all(program) {
            continue;
        }
        let line = format!(
            "{MACHINE}
             mkdir /run/bin
             for tool in slirp4netns sh sleep; do ln -s \"$(command -v $tool)\" /run/bin/; done
             trap - EXIT
             kill $server $local
             exec env {hide} \"$WEAKNET\" live clean --outside -- sleep 71625.25"
        );
        let mut command = world(&line);
        let mut weaknet: Child = command.stderr(Stdio::null()).spawn().unwrap();
        let is_name = |id: u32, part: &str| {
            let name = fs::read_to_string(format!("/proc/{id}/comm"));
            name.is_ok_and(|name| name.starts_with(part))
        };
        wait_until("it starts", || {
            let all = below(weaknet.id());
            [program, "sleep"]
                .iter()
                .all(|part| all.iter().any(|id| is_name(*id, part)))
        });
        let all = below(weaknet.id());
        weaknet.kill().unwrap();
        weaknet.wait().unwrap();
        wait_until(program, || all.iter().all(|id| is_gone(*id)));
    }
}

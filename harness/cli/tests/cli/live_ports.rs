//! The devices of a live link's ends, with and without rights to them.

use crate::live_support::{Ran, has, live_as_nobody, run, world};

const PINGS: &str =
    "ping -c 3 -i 0.2 -W 5 $WEAKNET_PEER && ping -6 -c 3 -i 0.2 -W 5 $WEAKNET_PEER6";

fn anyone_may_open_tun() -> bool {
    let mode = std::fs::metadata("/dev/net/tun").map(|found| found.permissions());
    mode.is_ok_and(|found| std::os::unix::fs::PermissionsExt::mode(&found) & 0o006 == 0o006)
}

/// The kinds of device that a user without rights can have here.
fn kinds() -> &'static [&'static str] {
    if anyone_may_open_tun() {
        &["tun", "veth"]
    } else {
        &["veth"]
    }
}

#[test]
fn users_without_rights_reach_the_other_end() {
    if !has(&["ping"]) {
        return;
    }
    for kind in kinds() {
        let ran = live_as_nobody(&["clean", "--port", kind, "--left", PINGS]);
        let Some(ran) = ran else { return };
        let said = ran.ok();
        let all = said.matches("3 received, 0% packet loss").count();
        assert_eq!(all, 2, "{kind}: {said}");
    }
}

#[test]
fn streams_go_both_ways_over_each_kind_of_device() {
    if !has(&["iperf3"]) {
        return;
    }
    let client = |more: &str| {
        format!(
            "for _ in 1 2 3 4 5 6 7 8 9; do sleep 0.3; \
             iperf3 -J -c $WEAKNET_PEER -n 2M {more} && exit; done; exit 1"
        )
    };
    for kind in kinds() {
        // The link of this preset has 100 Mbit/s, so UDP is not lost on it.
        for more in ["", "--mtu-exact", "-R", "-u -b 20M", "-6"] {
            let (exact, more): (&[&str], _) = match more {
                "--mtu-exact" => (&["--mtu-exact"], ""),
                more => (&[], more),
            };
            let mut left = client(more);
            if more == "-6" {
                left = left.replace("$WEAKNET_PEER", "$WEAKNET_PEER6");
            }
            let mut arguments = vec!["clean", "--port", kind];
            arguments.extend(exact);
            arguments.extend(["--left", &left, "--right", "iperf3 -s -1 >/dev/null"]);
            let Some(ran) = live_as_nobody(&arguments) else {
                return;
            };
            let said = ran.ok();
            assert!(said.contains("\"sum"), "{said}");
        }
    }
}

#[test]
fn without_a_tun_device_there_are_pairs() {
    if !has(&["ping"]) {
        return;
    }
    let hidden = |kind: &str| -> Ran {
        run(world(&format!(
            "mount -t tmpfs none /dev/net
             exec \"$WEAKNET\" live clean --port {kind} --left '{PINGS}; cat /proc/net/dev'"
        )))
    };
    if !std::path::Path::new("/dev/net").exists() {
        // There is nothing to hide.
        return;
    }
    let auto = hidden("auto");
    let note = "note: pairs of Ethernet devices at the ends: failed to open /dev/net/tun";
    assert!(auto.err.contains(note), "{auto:?}");
    let said = auto.ok();
    assert!(said.contains("weaknet0:"), "{said}");
    assert!(said.contains("3 received, 0% packet loss"), "{said}");
    let refused = hidden("tun");
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert!(refused.err.contains("open /dev/net/tun"), "{refused:?}");
    assert!(refused.err.contains("--port veth"), "{refused:?}");
}

#[test]
fn without_namespaces_it_is_not_permitted() {
    if !has(&["unshare"]) {
        return;
    }
    // One more user namespace, for a user who is not root in it, and no other.
    let users = run(world(
        "echo 1 >/proc/sys/user/max_user_namespaces
         exec unshare -U --map-user=1000 \"$WEAKNET\" live clean -- true",
    ));
    let networks = run(world(
        "echo 0 >/proc/sys/user/max_net_namespaces
         exec \"$WEAKNET\" live clean -- true",
    ));
    for (ran, what) in [(users, "user namespace"), (networks, "network namespace")] {
        assert_eq!(ran.code, Some(77), "{ran:?}");
        assert!(ran.err.contains(what), "{ran:?}");
        assert!(
            ran.err.contains("sysctl user.max_user_namespaces"),
            "{ran:?}"
        );
        assert_eq!(ran.out, "");
    }
}

#[test]
fn networks_that_drop_udp_let_tcp_through() {
    if !has(&["bash", "ping"]) {
        return;
    }
    // Nobody listens: TCP is answered by a reset, UDP by nothing as it does not arrive.
    let left = "\
for _ in 1 2 3; do bash -c 'echo hello >/dev/udp/'$WEAKNET_PEER/9; done
bash -c 'echo hello >/dev/tcp/'$WEAKNET_PEER/9 2>&1 | grep -o -m 1 refused | head -n 1
ping -c 2 -i 0.2 -W 5 $WEAKNET_PEER | grep -o ' 0% packet loss'";
    for preset in ["udp-blocked", "tcp-only-hotel"] {
        let set = "network.*.loss=0%";
        let Some(ran) = live_as_nobody(&[preset, "--set", set, "--left", left]) else {
            return;
        };
        let dropped = ran.err.contains("3 filtered");
        assert!(dropped, "{preset}: {ran:?}");
        assert_eq!(ran.ok(), "refused\n 0% packet loss\n");
    }
}

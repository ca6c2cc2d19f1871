//! A link between two interfaces: a phone and a router that the test makes.

use crate::live_support::{Ran, has, live_as_nobody, run, world};

/// A machine with an interface to a phone and one to a router, which have real
/// neighbours to find. `$live ARGUMENTS` is a wire between them, `end SIGNAL` its end.
const MACHINE: &str = "\
mount -t tmpfs none /run
mkdir /run/netns
for name in phone router; do
    ip netns add $name
    ip link add to-$name type veth peer name e0 netns $name
    ip link set to-$name up
    ip -n $name link set e0 up
    ip -n $name link set lo up
done
ip -n phone addr add 203.0.113.2/24 dev e0
ip -n phone addr add 2001:db8::2/64 dev e0 nodad
ip -n router addr add 203.0.113.1/24 dev e0
ip -n router addr add 2001:db8::1/64 dev e0 nodad
phone='ip netns exec phone'
router='ip netns exec router'
inner=to-router
start() {
    \"$WEAKNET\" live clean \"$@\" --between to-phone $inner 2>/run/said & wire=$!
    trap 'kill -9 $wire' EXIT
    until grep -q 'until interrupted' /run/said; do
        kill -0 $wire || { cat /run/said >&2; exit 9; }
        sleep 0.05
    done
}
end() {
    trap - EXIT
    kill -$1 $wire
    code=0
    wait $wire || code=$?
    for name in phone router; do ip -d link show to-$name; done | grep -c 'promiscuity 0'
    echo ended $code
}
";
const TOOLS: [&str; 3] = ["ip", "ping", "iperf3"];

fn on_machine(line: &str) -> Ran {
    run(world(&format!("{MACHINE}\n{line}")))
}

#[test]
fn a_phone_reaches_its_router_over_the_link() {
    if !has(&TOOLS) {
        return;
    }
    let ran = on_machine(
        "start --set network.forward.delay=15ms --set network.backward.delay=10ms
         for to in 203.0.113.1 2001:db8::1; do
             $phone ping -c 3 -i 0.2 -W 5 $to >/run/pings
             grep -o '3 received, 0% packet loss' /run/pings
             sed -n 's,^rtt min/avg/max/mdev = \\([0-9]*\\).*,\\1,p' /run/pings
         done
         $router iperf3 -s -D -I /run/server
         for _ in 1 2 3 4 5 6 7 8 9; do
             $phone iperf3 -c 203.0.113.1 -n 3M >/run/stream && break
             sleep 0.3
         done
         grep -c receiver /run/stream
         kill $(tr -d '\\0' </run/server)
         end INT
         cat /run/said",
    );
    let said = ran.ok();
    let lines: Vec<&str> = said.lines().collect();
    for family in 0..2 {
        assert_eq!(lines[2 * family], "3 received, 0% packet loss", "{said}");
        let fastest: u32 = lines[2 * family + 1].parse().unwrap();
        assert!(fastest >= 25, "earlier than the link allows: {said}");
    }
    assert_eq!(lines[4..7], ["1", "2", "ended 130"], "{said}");
    let direction = |name: &str| lines.iter().any(|line| line.starts_with(name));
    assert!(direction("forward: ") && direction("backward: "), "{said}");
    assert!(!said.contains("not taken"), "{said}");
}

#[test]
fn a_phone_on_a_hotspot_of_this_machine_goes_through_it() {
    if !has(&["ip", "ping", "nft"]) {
        return;
    }
    // The machine's own address is behind the wire, and its router is the next hop.
    let ran = on_machine(
        "ip link add gate type veth peer name weak0
         ip addr add 10.77.0.1/24 dev gate
         ip link set gate up
         ip link set weak0 up
         ip -n phone addr flush dev e0
         ip -n phone addr add 10.77.0.2/24 dev e0
         ip -n phone route add default via 10.77.0.1
         ip addr add 203.0.113.9/24 dev to-router
         echo 1 >/proc/sys/net/ipv4/ip_forward
         echo 1 >/proc/sys/net/ipv4/conf/to-phone/arp_ignore
         nft add table ip phone
         nft 'add chain ip phone out { type nat hook postrouting priority 100; }'
         nft add rule ip phone out ip saddr 10.77.0.0/24 masquerade
         inner=weak0
         start --set network.forward.delay=30ms --set network.backward.delay=0ms
         $phone ping -c 3 -i 0.2 -W 5 203.0.113.1 >/run/pings
         grep -o '3 received, 0% packet loss' /run/pings
         sed -n 's,^rtt min/avg/max/mdev = \\([0-9]*\\).*,\\1,p' /run/pings
         end INT
         cat /run/said",
    );
    let said = ran.ok();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "3 received, 0% packet loss", "{said}");
    assert!(lines[1].parse::<u32>().unwrap() >= 30, "{said}");
    let told = said.matches("arp_ignore=1").count();
    assert!(
        told == 1 && said.contains("note: packets at weak0"),
        "{said}"
    );
}

#[test]
fn what_the_link_loses_does_not_come_but_neighbours_do() {
    if !has(&TOOLS) {
        return;
    }
    for lost in ["forward", "backward"] {
        let said = on_machine(&format!(
            "start --set network.{lost}.loss=100%
             for to in 203.0.113.1 2001:db8::1; do
                 $phone ping -c 2 -i 0.2 -W 1 $to | grep -o '0 received'
             done
             ip -n phone neigh show | grep -c lladdr
             end TERM"
        ));
        let expected = "0 received\n0 received\n2\n2\nended 143\n";
        assert_eq!(said.ok(), expected, "{lost}");
    }
}

#[test]
fn nothing_is_left_behind_when_it_is_killed() {
    if !has(&TOOLS) {
        return;
    }
    let said = on_machine(
        "ip -d link show >/run/before
         start
         $phone ping -c 1 -W 5 203.0.113.1 | grep -o '1 received'
         end KILL
         $phone ping -c 1 -W 1 203.0.113.1 | grep -o '0 received'
         ip -d link show | diff /run/before -",
    );
    assert_eq!(said.ok(), "1 received\n2\nended 137\n0 received\n");
}

#[test]
fn interfaces_that_do_not_fit_are_named() {
    if !has(&["ip"]) {
        return;
    }
    let ran = on_machine(
        "ip link add bridge type bridge
         ip link add member type veth peer name far
         ip link set member master bridge up
         try() { \"$WEAKNET\" live clean --between $1 $2 2>&1 || echo code $?; }
         try to-phone to-phone
         try to-phone none
         try lo to-phone
         try to-phone far
         try to-phone member",
    );
    let said = ran.ok();
    for expected in [
        "to-phone cannot be an end of the link: it is both",
        "none cannot be an end of the link: there is none of this name",
        "lo cannot be an end of the link: it is no Ethernet interface",
        "far cannot be an end of the link: it is down",
        "member cannot be an end of the link: it is part of a bridge",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(said.matches("code 2").count(), 5, "{said}");
    let Some(ran) = live_as_nobody(&["clean", "--between", "lo", "eth0"]) else {
        return;
    };
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert!(ran.err.contains("run as root"), "{ran:?}");
}

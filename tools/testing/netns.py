# SPDX-License-Identifier: GPL-2.0
"""Shell commands for an interface in a network namespace of its name, whatever function it belongs to.

As few processes as can be: on the debug kernel each takes a quarter of a second of the processor.
"""

DEVICES = "/sys/bus/pci/devices"


def until(condition):
    """Shell command that ends when `condition` holds; what runs it has the time limit."""
    return f"until {condition}; do read -rt 0.05 <>/run/lab/never || :; done"


def answered(ip, ping="ping"):
    """Shell command that ends with the third answer in a row of requests, however many it takes.

    One ping is not enough: with a deadline it gives up at the first error, such as a neighbour that was being looked
    for while the link was away.
    """
    return until(f"{ping} -q -c 3 -i 0.1 -w 10 {ip}")


def all_answered(ip, count, more="", ping="ping", limit=10):
    """Shell command: `count` echo requests, fails unless each is answered within `limit` seconds.

    Once it has sent the last one, ping waits for twice the longest round trip so far, or for an interval if that is
    longer. An answer may well take more than twice as long as all before, so: all at once, and a long interval. The
    socket's buffer, which is for one request otherwise, must hold them all. So must that of the kernel that answers, which
    takes some 130 kB of buffers: no more than five large ones at once.
    """
    return (f"said=$({ping} -q -c {count} -l {count} -i {limit} -S 200000 {more} {ip} 2>&1) || true; "
            f"case $said in *' {count} received'*) ;; *) echo \"$said\" >&2; exit 1;; esac")


def silence(ip, count, more="", ping="ping"):
    """Shell command: `count` echo requests, fails if one is answered, and if they could not be sent."""
    return (f"said=$({ping} -q -c {count} -i 0.1 -W 1 {more} {ip} 2>&1) || true; "
            f"case $said in *'{count} packets transmitted, 0 received'*) ;; *) echo \"$said\" >&2; exit 1;; esac")


def ip(*lines, name=None):
    """Shell command: `ip` with each of these lines, in network namespace `name`, until one fails."""
    text = "\n".join(lines)
    return f'ip {f"-n {name} " if name else ""}-batch - <<<"{text}"'


def taken_into(function, name):
    """Shell commands that put the interface of a PCI function into namespace `name`, made if there is none, with that
    name; it is down."""
    return (f"old=({DEVICES}/{function}/net/*); [ -e /run/netns/{name} ] || ip netns add {name}\n"
            + ip("link set ${old##*/} down", f"link set ${{old##*/}} name {name} netns {name}") + "\n")


def carrier(name, device=None):
    """Shell condition: the interface is up and has a carrier."""
    return f"[[ $(ip -n {name} -o link show dev {device or name} up) = *LOWER_UP* ]]"


def no_carrier(name):
    """Shell condition: the interface is up and has none."""
    return f"[[ $(ip -n {name} -o link show dev {name} up) = *NO-CARRIER* ]]"


def server(name):
    """Shell command: an iperf3 server for one client, which listens when the command ends.

    One whose client vanished without a word would wait for it: it goes first. It puts up with a day without data.
    """
    listening = f"[[ $(ip netns exec {name} ss -Hltn) = *:5201* ]]"
    return (f"for pid in $(ip netns pids {name}); do grep -qzx -- -s /proc/$pid/cmdline && kill $pid; done; "
            f"{until(f'! {{ {listening}; }}')}; ip netns exec {name} iperf3 -s -1 -D --rcv-timeout 86400000; "
            f"{until(listening)}; ")


def shouts(name):
    """Shell command: a thousand broadcasts a second, to all that hear the interface, until it is stopped."""
    return f"exec ip netns exec {name} ping -nqb -i 0.001 -I {name} 255.255.255.255"

"""Two LANs with a host on each, and a middle where a router's TAPs join them.

Three network namespaces: `middle` has the bridges br1 and br2, each with a
cable to the host on its LAN, `left` (10.1.0.2) or `right` (10.2.0.2). A router
there is 10.1.0.1 and 10.2.0.1. Needs root; close() removes all.
"""
import os
import subprocess

LEFT, RIGHT = "10.1.0.2", "10.2.0.2"
ROUTER = ("10.1.0.1", "10.2.0.1")


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


class TwoLans:
    def __init__(self):
        self.made = []
        self.middle = self.namespace("m")
        self.left = self.namespace("l")
        self.right = self.namespace("r")
        for number, (space, host, router) in enumerate((
                (self.left, LEFT, ROUTER[0]), (self.right, RIGHT, ROUTER[1])),
                1):
            for words in (f"link add br{number} type bridge",
                          f"link add p{number} type veth peer name e0 "
                          f"netns {space}",
                          f"link set p{number} master br{number} up",
                          f"link set br{number} up"):
                ip(f"-n {self.middle} {words}")
            for words in (f"addr add {host}/24 dev e0", "link set e0 up",
                          f"route add default via {router}"):
                ip(f"-n {space} {words}")

    def namespace(self, letter):
        name = f"trestle-{letter}-{os.getpid()}"
        ip(f"netns add {name}")
        self.made.append(name)
        return name

    @property
    def inside(self):
        """Words in front of a command that is to run in the middle."""
        return ("ip", "netns", "exec", self.middle)

    def ping(self, space, address, *more):
        return subprocess.run(
            ["ip", "netns", "exec", space, "ping", "-c", "3", "-i", "0.3",
             "-W", "10", *more, address], check=True, text=True,
            capture_output=True, timeout=60).stdout

    def tap_script(self, path, number):
        """A script as the seed page's /etc/qemu-ifup; returns its path."""
        path.write_text(f"#!/bin/sh\nip link set $1 promisc on up && "
                        f"ip link set $1 master br{number}\n")
        path.chmod(0o755)
        return path

    def members(self, number):
        """What hangs on that bridge."""
        return subprocess.run(
            ["ip", "-n", self.middle, "-o", "link", "show", "master",
             f"br{number}"], check=True, text=True, capture_output=True).stdout

    def close(self):
        for name in self.made:
            ip(f"netns delete {name}")


def route(run):
    """Make the router that `run` gives commands to a router between them."""
    run("ip addr flush dev br-lan")
    run(f"ip addr add {ROUTER[0]}/24 dev br-lan")
    run("ip link set eth1 up")
    run(f"ip addr add {ROUTER[1]}/24 dev eth1")
    run("echo 1 >/proc/sys/net/ipv4/ip_forward")

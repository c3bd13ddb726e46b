# SPDX-License-Identifier: GPL-2.0
"""Gives a PF and two VFs in a guest every order a root user can, at random. Runs in the lab's root:

    tools/lab/enter python3 -m fuzz.administrator --seconds 600
    tools/lab/enter python3 -m fuzz.administrator --seed 5 --round 3          # that round again, alone
    tools/lab/enter python3 -m fuzz.administrator --only 'ethtool *' --without 'ethtool rss*'

See README.md for what it promises. `run` is what the test calls.
"""

import argparse
import os
import sys

from fuzz.administrator.run import Failure, fuzz


def main():
    parser = argparse.ArgumentParser(prog="fuzz.administrator", description="Fuzz PF and VFs from their own administrator's side.")
    parser.add_argument("--seconds", type=int, default=600, help="how long; the last round may end later")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("--round", type=int, help="only this round of the seed's")
    parser.add_argument("--round-seconds", type=int, default=45, help="how long a round takes")
    parser.add_argument("--only", action="append", default=[], metavar="KIND", help="kinds of commands, with * and ?")
    parser.add_argument("--without", action="append", default=[], metavar="KIND", help="kinds that are left out")
    args = parser.parse_args()
    try:
        account = fuzz(args.seed, args.seconds, args.round_seconds, args.round, args.only, args.without)
    except Failure as failure:
        print(failure)
        return 1
    print(account.table())
    print(f"administrator: seed {args.seed}, {sum(account.done.values())} of {sum(account.tried.values())} commands carried out, "
          "nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0
# Shared by the lab's shell tools: where things are, how they talk, how they fail.
# Sourced, never run; the caller has set -eu.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$LAB/../.." && pwd)
# Which kernel modules are built for and guests boot: stock, or LAB_KERNEL=debug.
LAB_KERNEL=${LAB_KERNEL:-stock}
case $LAB_KERNEL in
stock) BUILD=$REPO/build ;;
debug) BUILD=$REPO/build/debug ;;
*)
	printf 'error: LAB_KERNEL=%s: unknown, use stock or debug\n' "$LAB_KERNEL" >&2
	exit 1
	;;
esac
CACHE=${IGB_RS_CACHE:-${HOME:-/root}/.cache/igb-rs}
case $CACHE in
/*) ;;
*) CACHE=$PWD/$CACHE ;;
esac

# The Debian root, and how it sees the repository.
ROOT=$CACHE/root
REPO_IN_ROOT=/srv/igb_rs

# The debug kernel's tree, as the root sees it.
DEBUG_TREE=/usr/src/igb-rs-debug

say() { printf '%s\n' "$*"; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# need_root WHAT: the lab makes a chroot and mounts, which takes root.
need_root() {
	[ "$(id -u)" = 0 ] || die "not root: run '$1' as root (it makes a Debian root and mounts file systems in it)"
}

# elapsed: seconds since this tool started, as the progress lines show them.
elapsed() { printf '[%4ds]' "$SECONDS"; }

# config_text DIR NAME: a text value of a tree's configuration (auto.conf has it without quotes, .config with).
config_text() { sed -n "s/^$2=//p" "$1/include/config/auto.conf" | tr -d '"'; }

# check_tree DIR: is DIR a kernel build tree that can build a Rust module? `rustc` is looked up in the
# caller's PATH, so call this where the build runs. One line and failure when it cannot.
check_tree() {
	local dir=$1 want have
	[ -f "$dir/Makefile" ] && [ -f "$dir/include/config/auto.conf" ] ||
		die "$dir is not a configured kernel build tree (no include/config/auto.conf): give KDIR= one that is"
	grep -qx 'CONFIG_RUST=y' "$dir/include/config/auto.conf" ||
		die "$dir: this kernel is configured without CONFIG_RUST=y: no Rust module can be built for it"
	[ -f "$dir/rust/libkernel.rmeta" ] ||
		die "$dir has no Rust metadata (rust/libkernel.rmeta): run 'make prepare modules_prepare' there, or leave KDIR out to use the lab's tree"
	[ -f "$dir/Module.symvers" ] ||
		die "$dir has no Module.symvers, which says what the kernel exports: build the kernel there, or copy the file from its headers package"
	command -v "${BINDGEN:-bindgen}" >/dev/null ||
		die "no ${BINDGEN:-bindgen} in PATH: install bindgen (and libclang), or set BINDGEN="
	want=$(config_text "$dir" CONFIG_RUSTC_VERSION_TEXT)
	have=$("${RUSTC:-rustc}" --version 2>/dev/null) ||
		die "no ${RUSTC:-rustc} in PATH: this kernel needs '$want'"
	[ "$want" = "$have" ] ||
		die "wrong rustc: the kernel was built with '$want', ${RUSTC:-rustc} is '$have': put that version in PATH or set RUSTC="
}

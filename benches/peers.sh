#!/bin/sh
# Installs what `cargo bench --bench engine` compares with, under target/peers, and says what could not be had.
# make and ninja come from the system: apt-get install make ninja-build.
set -u
cd "$(dirname "$0")/.."
mkdir -p target/peers/bin

for tool in make ninja; do
    command -v "$tool" >/dev/null || echo "missing: $tool (install it with the system's packages)"
done

[ -x target/peers/venv/bin/pip ] || python3 -m venv target/peers/venv
target/peers/venv/bin/pip install --quiet --disable-pip-version-check \
    rust-just==1.59.0 go-task-bin==3.54.0 doit==0.37.0 snakemake==9.27.1 ||
    echo "missing: just, go-task, doit or snakemake (the Python package index did not give them)"

# dagu is in no package index: it is built from its module, where a Go toolchain and the module proxy are at hand.
if command -v go >/dev/null; then
    GOBIN="$PWD/target/peers/bin" go install github.com/dagu-org/dagu/cmd@v1.30.3 &&
        mv target/peers/bin/cmd target/peers/bin/dagu ||
        echo "missing: dagu (the Go module proxy did not give it)"
else
    command -v dagu >/dev/null || echo "missing: dagu (no Go toolchain to build it)"
fi

for tool in just task doit snakemake; do
    [ -x "target/peers/venv/bin/$tool" ] && echo "installed: $tool"
done
exit 0

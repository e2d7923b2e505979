old() { touch -h -d '3 hours ago' "$@"; }

begin() {
  "$WFL" run "$1" > "$T/begin.log" 2>&1 &
  engine=$!; waited=0
  while [ ! -e started ]; do
    waited=$((waited + 1))
    [ "$waited" -lt 1500 ] || { cat "$T/begin.log" >&2; exit 1; }
    sleep 0.02
  done
  kill -9 "$engine"
  wait "$engine" 2>/dev/null || true
}

# NAME VERSION: a wheel of one module in $T/wheels.
wheel() {
  mkdir -p "$T/wheels"
  python3 - "$T/wheels" "$1" "$2" <<'P'
import sys, zipfile
folder, name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}/__init__.py", "X = 1\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: corpus\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", f"{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
P
}

# NAME VERSION, the name of four letters: a crate in a registry of this machine, which stands for crates.io.
crate() {
  (
    mkdir -p "$T/crate/$1-$2/src"; cd "$T/crate"
    printf '[package]\nname = "%s"\nversion = "%s"\nedition = "2021"\n' "$1" "$2" > "$1-$2/Cargo.toml"
    echo 'pub fn f() {}' > "$1-$2/src/lib.rs"
    index="$T/registry/index/$(echo "$1" | cut -c1-2)/$(echo "$1" | cut -c3-4)"
    mkdir -p "$index" "$CARGO_HOME"
    tar czf "$T/registry/$1-$2.crate" "$1-$2"
    sum=$(sha256sum "$T/registry/$1-$2.crate" | cut -c1-64)
    printf '{"name":"%s","vers":"%s","deps":[],"cksum":"%s","features":{},"yanked":false}\n' "$1" "$2" "$sum" > "$index/$1"
    printf '[source.crates-io]\nreplace-with = "here"\n[source.here]\nlocal-registry = "%s"\n' "$T/registry" > "$CARGO_HOME/config.toml"
  )
}

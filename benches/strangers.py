#!/usr/bin/env python3
"""Tries `wfl init && wfl check && wfl run`, unedited, in projects of strangers.

    benches/strangers.py WFL [--folder DIR] [--only NAME,...]

Unpacks each project of the list below from its registry into DIR (default target/strangers), makes it a git
repository, runs the project's own test command, then the three commands, each for at most three minutes, and prints
a table. What a person does first is done first: a virtual environment with the package in it, `npm install`.
"""
import argparse, json, os, shutil, subprocess, sys, tarfile, time, urllib.request
from pathlib import Path

LIMIT = 180
CRATES = """semver 1.0.27, itoa 1.0.15, hex 0.4.3, either 1.15.0, shlex 1.3.0, humantime 2.3.0, fnv 1.0.7, smallvec 1.15.1,
heck 0.5.0, matches 0.1.10, unicode-width 0.2.1, bitflags 2.9.1, textwrap 0.16.2"""
SDISTS = """six 1.17.0, itsdangerous 2.2.0, tabulate 0.9.0, xmltodict 0.14.2, idna 3.10, pluggy 1.6.0, markupsafe 3.0.2,
humanize 4.12.3, inflection 0.5.1, isodate 0.7.2, pathspec 1.1.1, sqlparse 0.6.1, more-itertools 11.2.1"""
PACKAGES = """minimist 1.2.8, is-callable 1.2.7, concat-map 0.0.2, object-inspect 1.13.4, through 2.3.8, traverse 0.6.11,
json-stable-stringify 1.0.1, xtend 4.0.2, deep-is 0.1.4, duplexer 0.1.2, jsonparse 1.3.1, text-table 0.2.0, defined 1.0.1"""
DEBIAN = "http://deb.debian.org/debian/pool/main"
OTHERS = [
    ("c", "zlib", f"{DEBIAN}/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2", "./configure && make test"),
    ("c", "cjson", f"{DEBIAN}/c/cjson/cjson_1.7.15.orig.tar.gz", "make test"),
    ("c", "lua", f"{DEBIAN}/l/lua5.4/lua5.4_5.4.4.orig.tar.gz", "make linux && make test"),
    ("c", "jsmn", f"{DEBIAN}/j/jsmn/jsmn_1.1.0.orig.tar.gz", "make test"),
    ("c", "http-parser", f"{DEBIAN}/h/http-parser/http-parser_2.9.4.orig.tar.gz", "make test"),
    ("c", "pigz", f"{DEBIAN}/p/pigz/pigz_2.8.orig.tar.xz", "make test"),
    ("c", "entr", f"{DEBIAN}/e/entr/entr_5.7.orig.tar.gz", "./configure && make test"),
    ("shell", "bats", f"{DEBIAN}/b/bats/bats_1.13.0.orig.tar.xz", "bin/bats test"),
]
# Beside pytest, for tests of the sdist.
NEEDS = {"humanize": ["freezegun"], "itsdangerous": ["freezegun"]}


def listed(text):
    return [tuple(entry.split()) for entry in text.replace("\n", " ").split(",")]


def fetch(url):
    request = urllib.request.Request(url, headers={"User-Agent": "strangers"})
    return urllib.request.urlopen(request, timeout=60).read()


def source(kind, name, version):
    if kind == "crate":
        return f"https://static.crates.io/crates/{name}/{name}-{version}.crate"
    if kind == "npm":
        return json.loads(fetch(f"https://registry.npmjs.org/{name}/{version}"))["dist"]["tarball"]
    files = json.loads(fetch(f"https://pypi.org/pypi/{name}/json"))["releases"][version]
    url = next(file["url"] for file in files if file["packagetype"] == "sdist")
    return "https://files.pythonhosted.org/packages/" + url.rsplit("packages/", 1)[1]   # a mirror's may be relative


def unpack(url, folder):
    archive = folder.with_suffix(".archive")
    archive.write_bytes(fetch(url))
    inner = folder.with_name(folder.name + ".unpacked")
    shutil.rmtree(inner, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(inner, filter="tar")
    found = list(inner.iterdir())
    (found[0] if len(found) == 1 else inner).rename(folder)
    shutil.rmtree(inner, ignore_errors=True)
    archive.unlink()


def run(command, cwd, env, shell=False):
    """Exit code (124: too long), seconds, the end of the output."""
    began = time.time()
    try:
        done = subprocess.run(command, cwd=cwd, env=env, shell=shell, timeout=LIMIT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        code, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, text = 124, late.output or b""
    return code, time.time() - began, text.decode(errors="replace")[-4000:]


def prepared(kind, name, folder, env):
    """Installs what the project needs and gives its own test command."""
    if kind == "crate":
        return "cargo test"
    if kind == "npm":
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps"], folder, env)
        return "npm test"
    venv = folder.with_name(folder.name + ".venv")
    if not venv.exists():
        run([sys.executable, "-m", "venv", venv], folder, env)
    env["PATH"] = f"{venv}/bin:{env['PATH']}"
    env["VIRTUAL_ENV"] = str(venv)
    run(["pip", "install", "-q", "pytest", *NEEDS.get(name, []), "-e", "."], folder, env)
    return "python -m pytest -q"


def commit(folder, env):
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as published"]):
        run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words], folder, env)


def tried(kind, name, url, own, wfl, base):
    folder = base / f"{kind}-{name}"
    env = dict(os.environ, WFL_STATE_DIR=str(base / f"{folder.name}.state"), CI="")
    fresh = not folder.exists()
    if fresh:
        unpack(url(), folder)
    shutil.rmtree(base / f"{folder.name}.state", ignore_errors=True)
    own = own or prepared(kind, name, folder, env)
    if fresh:
        commit(folder, env)
    else:
        run(["git", "clean", "-fdq", ".wfl"], folder, env)
        shutil.rmtree(folder / ".wfl", ignore_errors=True)
        for lane in folder.glob("*.wfl"):
            lane.unlink()
    row = {"kind": kind, "name": name, "own": run(own, folder, env, shell=True)}
    row["steps"] = []
    for step in (["init"], ["check"], ["run"]):
        row["steps"].append(run([wfl, *step], folder, env))
        if row["steps"][-1][0] != 0:
            break
    return row


def verdict(row):
    codes = [step[0] for step in row["steps"]]
    if len(codes) == 3 and codes[2] == 0:
        return "green"
    return f"{['init', 'check', 'run'][len(codes) - 1]} exit {codes[-1]}"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("wfl", type=lambda path: str(Path(path).resolve()))
    args.add_argument("--folder", default="target/strangers", type=Path)
    args.add_argument("--only", default="")
    args = args.parse_args()
    base = args.folder.resolve()
    base.mkdir(parents=True, exist_ok=True)
    jobs = [(kind, name, (lambda k=kind, n=name, v=version: source(k, n, v)), None)
            for kind, text in (("crate", CRATES), ("sdist", SDISTS), ("npm", PACKAGES)) for name, version in listed(text)]
    jobs += [(kind, name, (lambda u=url: u), own) for kind, name, url, own in OTHERS]
    only = set(filter(None, args.only.split(",")))
    rows = []
    print("| kind | project | its own tests | s | wfl | s |\n| --- | --- | --- | ---: | --- | ---: |")
    for kind, name, url, own in jobs:
        if only and name not in only:
            continue
        try:
            row = tried(kind, name, url, own, args.wfl, base)
        except Exception as error:
            print(f"| {kind} | {name} | not got: {error} | | | |", flush=True)
            continue
        rows.append(row)
        (base / f"{kind}-{name}.log").write_text("\n".join(step[2] for step in [row["own"], *row["steps"]]))
        own = "pass" if row["own"][0] == 0 else f"exit {row['own'][0]}"
        print(f"| {kind} | {name} | {own} | {row['own'][1]:.1f} | {verdict(row)} | {row['steps'][-1][1]:.1f} |", flush=True)
    passing = [row for row in rows if row["own"][0] == 0]
    green = [row for row in passing if verdict(row) == "green"]
    share = 100 * len(green) / max(1, len(passing))
    print(f"\n{len(green)} of {len(passing)} whose own tests pass are green ({share:.0f} %); {len(rows)} tried.")


if __name__ == "__main__":
    main()

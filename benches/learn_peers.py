#!/usr/bin/env python3
"""The next stage, told by `wfl model eval` and by scikit-learn's naive Bayes, Random Forest and LightGBM: same logs, same
split, same prefixes, one run. Makes a virtual environment of its own for the peers.

    benches/learn_peers.py --wfl target/release/wfl LOG... [--file-order NAME] [--venv DIR] [--out TABLE.md]

A log is .csv or .xes, gzip or not. What the peers are given: the last three activities, the position, time since the first
and the last event, hour, weekday, and every attribute that neither names the case nor knows its end.
"""
import argparse, csv, gzip, json, os, subprocess, sys, time, venv, warnings
import datetime as dt
import xml.etree.ElementTree as xml
from pathlib import Path

NEEDS = ["scikit-learn>=1.5", "lightgbm>=4.3", "numpy", "scipy"]
CASE = ["case_id", "caseid", "case:concept:name", "case"]
ACTIVITY = ["activity", "activityid", "concept:name"]
TIME = ["timestamp", "completetimestamp", "time:timestamp"]
SINGLE = 50  # predictions one by one, for the time of one


def with_peers(folder):
    """Starts again inside the environment, after making it where it is not there."""
    python = Path(folder) / "bin" / "python"
    if Path(sys.prefix).resolve() == Path(folder).resolve():
        return
    if not python.exists():
        print(f"making {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True)
    os.execv(python, [str(python), *sys.argv])


def opened(path):
    return gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb")


def milliseconds(text):
    text = text.strip().replace("Z", "+00:00").replace(" ", "T", 1)
    date, _, clock = text.partition("T")
    clock = clock if len(clock.split(":")[0]) == 2 else "0" + clock
    at = dt.datetime.fromisoformat(f"{date}T{clock}")
    at = at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)
    return int(at.timestamp() * 1000)


def rows_of_csv(path):
    with opened(path) as file:
        text = (line.decode("utf-8", "replace") for line in file)
        for row in csv.DictReader(text):
            yield {name: value for name, value in row.items() if name}


def rows_of_xes(path):
    last = lambda tag: tag.split("}")[-1]
    with opened(path) as file:
        for _, trace in xml.iterparse(file):
            if last(trace.tag) != "trace":
                continue
            of = lambda node: {child.get("key"): child.get("value") for child in node if child.get("key")}
            traits = {"case:" + key: value for key, value in of(trace).items()}
            for event in trace:
                if last(event.tag) == "event":
                    yield {**of(event), **traits}
            trace.clear()


def cases_of(path):
    """Cases in the file's order of their first events: lists of (activity, ms, attributes)."""
    rows = list(rows_of_xes(path) if ".xes" in str(path) else rows_of_csv(path))
    names = list(dict.fromkeys(name for row in rows for name in row))
    find = lambda wanted: next((n for w in wanted for n in names if n.lower() == w), None)
    case, activity, at = find(CASE), find(ACTIVITY), find(TIME)
    cases = {}
    for row in rows:
        cases.setdefault(row[case], []).append((row[activity], milliseconds(row[at]), row))
    for events in cases.values():
        events.sort(key=lambda event: event[1])
    known = {case, activity, at, "concept:name", "case:concept:name"}
    return list(cases.values()), [name for name in names if name not in known]


def usable(cases, columns):
    """Attributes that neither name the case, nor know its end, nor are always the same."""
    used = []
    for name in columns:
        low = name.lower()
        if any(word in low for word in ("variant", "end", "date", "timestamp", "deadline")):
            continue
        values = [event[2].get(name) or "" for case in cases for event in case]
        if 1 < len(set(values)) <= len(values) / 3:
            used.append(name)
    return used


def numeric(cases, name):
    try:
        return all(float(event[2][name]) is not None for case in cases for event in case if event[2].get(name))
    except ValueError:
        return False


def samples(cases, words, numbers):
    """One a prefix of two and more: words, numbers, and what came."""
    for events in cases:
        latest = {}
        for length in range(1, len(events) + 1):
            known = events[:length]
            # What an attribute was when it was last said.
            latest.update((name, value) for name, value in known[-1][2].items() if value)
            if length < 2:
                continue
            past = [event[0] for event in known[-3:]]
            past = ["-"] * (3 - len(past)) + past
            now = dt.datetime.fromtimestamp(known[-1][1] / 1000, dt.timezone.utc)
            said = past + [latest.get(name, "") for name in words]
            count = [length, known[-1][1] - known[0][1], known[-1][1] - known[-2][1], now.hour, now.weekday()]
            count += [float(latest.get(name, "nan")) for name in numbers]
            yield said, count, events[length][0] if length < len(events) else "(end)"


def scores(probabilities, classes, came):
    import numpy as np

    place = {name: at for at, name in enumerate(classes)}
    top = probabilities.argmax(1)
    sure = probabilities.max(1)
    right = np.array([classes[t] == c for t, c in zip(top, came)])
    gaps = sum(
        abs(sure[inside].sum() - right[inside].sum())
        for b in range(15)
        if (inside := np.minimum((sure * 15).astype(int), 14) == b).any()
    )
    truth = np.array([place.get(c, -1) for c in came])
    hit = np.where(truth >= 0, probabilities[np.arange(len(came)), truth], 0.0)
    brier = (probabilities**2).sum(1) - 2 * hit + 1
    return {"accuracy": right.mean(), "ece": gaps / len(came), "brier": brier.mean()}


def forms(said, count):
    """What each peer is given of the words and numbers; learned from the rows to train on."""
    import numpy as np
    from scipy import sparse
    from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder

    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=60).fit(said)
    places = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(said)
    parts = KBinsDiscretizer(8, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf").fit(count)
    return {
        "naive Bayes": lambda said, count: np.hstack([places.transform(said) + 1, parts.transform(count)]),
        "Random Forest 100": lambda said, count: sparse.hstack([one_hot.transform(said), sparse.csr_matrix(count)]).tocsr(),
        "LightGBM": lambda said, count: np.hstack([places.transform(said), count]),
    }


def candidates(name, learned, words):
    """Settings, and how a model of them is made; the best on the last fifth of the rows to train on is taken."""
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.naive_bayes import CategoricalNB

    if name == "naive Bayes":
        least = learned.max(0).astype(int) + 2
        return {f"alpha {a}": (lambda a=a: CategoricalNB(alpha=a, min_categories=least), {}) for a in (0.1, 1.0)}
    if name == "LightGBM":
        more = {"categorical_feature": list(range(words))}
        make = lambda **set: lambda: LGBMClassifier(n_jobs=1, verbose=-1, random_state=0, **set)
        careful = dict(n_estimators=100, learning_rate=0.05, num_leaves=7, min_child_samples=40, reg_lambda=5, cat_smooth=20)
        return {"as it comes": (make(), more), "careful": (make(**careful), more)}
    make = lambda **set: lambda: RandomForestClassifier(100, n_jobs=1, random_state=0, **set)
    return {"as it comes": (make(), {}), "leaves of 5": (make(min_samples_leaf=5), {})}


def peers(train, test):
    """Name -> scores, seconds to train, milliseconds a prediction."""
    import numpy as np

    unzip = lambda rows: [list(part) for part in zip(*rows)]
    said, count, came = unzip(train)
    said_test, count_test, came_test = unzip(test)
    number = lambda count: np.nan_to_num(np.array(count, float), nan=-1)
    # Position alone, or all that is known of time and numbers.
    for name in ("naive Bayes", "Random Forest 100", "LightGBM"):
        best = (-1.0,)
        for width in (1, len(count[0])):
            numbers = number([row[:width] for row in count])
            form = forms(said, numbers)[name]
            learned = form(said, numbers)
            fifth = len(came) * 4 // 5
            few = np.unique(np.linspace(0, fifth - 1, min(fifth, 8000)).astype(int))
            for setting, (make, more) in candidates(name, learned, len(said[0])).items():
                model = make().fit(learned[few], [came[at] for at in few], **more)
                right = np.mean(model.predict(learned[fifth:][:4000]) == np.array(came[fifth:][:4000]))
                best = max(best, (right, setting, width), key=lambda one: one[0])
        _, setting, width = best
        numbers, asked = number([row[:width] for row in count]), number([row[:width] for row in count_test])
        form = forms(said, numbers)[name]
        learned, asked = form(said, numbers), form(said_test, asked)
        make, more = candidates(name, learned, len(said[0]))[setting]
        began = time.perf_counter()
        model = make().fit(learned, came, **more)
        trained = time.perf_counter() - began
        told = scores(model.predict_proba(asked), list(model.classes_), came_test)
        rows = [asked[at : at + 1] for at in range(min(SINGLE, asked.shape[0]))]
        began = time.perf_counter()
        for row in rows:
            model.predict_proba(row)
        each = (time.perf_counter() - began) / len(rows) * 1000
        print(f"  {name} ({setting}, {width} numbers)", file=sys.stderr)
        yield name, {**told, "train_seconds": trained, "milliseconds": each}


def told_by_wfl(program, log, in_file_order):
    asked = [program, "model", "eval", str(log), "--format", "json"]
    asked += ["--order", "file"] if in_file_order else []
    report = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    cost = {"train_seconds": report["train_seconds"], "milliseconds": report["predict_micros"]["p50"] / 1000}
    return report, [
        ("wfl", {**report["next_stage"], **cost}),
        ("wfl, learning on", {**report["prequential"], **cost}),
    ]


def measured(program, log, in_file_order):
    cases, columns = cases_of(log)
    if not in_file_order:
        cases.sort(key=lambda events: events[0][1])
    cut = len(cases) * 2 // 3
    used = usable(cases[:cut], columns)
    numbers = [name for name in used if numeric(cases[:cut], name)]
    words = [name for name in used if name not in numbers]
    train, test = list(samples(cases[:cut], words, numbers)), list(samples(cases[cut:], words, numbers))
    report, rows = told_by_wfl(program, log, in_file_order)
    same = report["next_stage"]["n"] == len(test)
    print(f"{log.name}: {len(test)} predictions{'' if same else ', which wfl counts otherwise: ' + str(report['next_stage']['n'])}", file=sys.stderr)
    for name, score in peers(train, test):
        rows.append((name, score))
        print(f"  {name}: {score['accuracy']:.3f} in {score['train_seconds']:.1f} s", file=sys.stderr)
    return rows


def table(all_rows):
    lines = ["| log | | accuracy | Brier | ECE | train | a prediction | train, times wfl | prediction, times wfl |", "|---|---|---|---|---|---|---|---|---|"]
    for log, rows in all_rows.items():
        own = rows[0][1]
        for name, score in rows:
            ratio = lambda key: f"{score[key] / max(own[key], 1e-9):,.0f}" if not name.startswith("wfl") else ""
            lines.append(
                f"| {log} | {name} | {score['accuracy'] * 100:.1f} | {score['brier']:.3f} | {score['ece']:.3f} | "
                f"{score['train_seconds']:.3f} s | {score['milliseconds']:.4f} ms | {ratio('train_seconds')} | {ratio('milliseconds')} |"
            )
    means = {}
    for rows in all_rows.values():
        for name, score in rows:
            means.setdefault(name, []).append(score)
    for name, of in means.items():
        mean = lambda key: sum(score[key] for score in of) / len(of)
        lines.append(
            f"| **mean** | **{name}** | {mean('accuracy') * 100:.1f} | {mean('brier'):.3f} | {mean('ece'):.3f} | "
            f"{mean('train_seconds'):.3f} s | {mean('milliseconds'):.4f} ms | | |"
        )
    return "\n".join(lines) + "\n"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("logs", nargs="+", type=Path)
    words.add_argument("--wfl", default="target/release/wfl")
    words.add_argument("--venv", default="target/learn-peers")
    words.add_argument("--file-order", default="tax_helpdesk", help="logs whose name holds this are divided in the file's order")
    words.add_argument("--out", type=Path)
    asked = words.parse_args()
    with_peers(asked.venv)
    warnings.filterwarnings("ignore")
    rows = {}
    for log in asked.logs:
        rows[log.name.split(".")[0]] = measured(asked.wfl, log, asked.file_order in log.name)
        if asked.out:
            asked.out.write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()

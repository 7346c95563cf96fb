"""The files of a comparison: nothing lost on a full disk, nothing taken from anybody else."""

import errno
import json
import os
import re
import subprocess
import sys

import pytest
from comparison_runs import sealed_again, without_seconds

from minidl import datasets
from minidl.cli import main
from minidl.comparison import Comparison, compare
from minidl.comparison.journal import Journal
from minidl.errors import DataError, FileError

SMALL = {"optimizers": ["gd", "nag"], "epochs": 3, "seeds": 2, "tuning_seeds": 1, "hidden": [2],
         "lr": [0.1, 0.3], "sustained": 1, "target": "gap:0.5"}  # fmt: skip


def moons(seed):
    return datasets.load("moons", n=30, split_seed=seed)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished record, and the journal that it had at its end."""
    path = tmp_path_factory.mktemp("made") / "a.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("minidl.comparison.executor.GROUP", 2)
        patched.setattr(Journal, "close", Journal.release)
        compare(moons, out=path, **SMALL)
    return path.read_bytes(), path.with_name("a.json.part").read_bytes()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "a.json"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "a.json.part"


def fails(number, name="a.json"):
    """Return what os.replace does if the disk is full when a file is finished."""
    real = os.replace

    def replace(source, target):
        if os.path.basename(target) == name:
            raise OSError(number, os.strerror(number))
        real(source, target)

    return replace


def test_if_the_disk_is_full_at_the_end_the_error_has_the_result_and_part_has_all(
    out, part, made, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails(errno.ENOSPC))
        words = r"cannot write .*a\.json: No space left on device\. .*a\.json\.part keeps all runs"
        with pytest.raises(FileError, match=words) as caught:
            compare(moons, out=out, **SMALL)
    assert caught.value.comparison.complete
    assert os.listdir(out.parent) == ["a.json.part"]
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)
    compare(moons, out=out, **SMALL)
    assert without_seconds(json.loads(out.read_bytes())) == without_seconds(json.loads(made[0]))
    assert not part.exists()


def test_the_command_prints_its_result_if_its_file_cannot_be_written(out, monkeypatch, capsys):
    monkeypatch.setattr(os, "replace", fails(errno.EIO))
    words = ["compare", "--rows", "30", "--epochs", "3", "--seeds", "2", "--tuning-seeds", "1"]
    assert main([*words, "--hidden", "2", "--lr", "0.1", "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert re.search(r"optimizer +", printed.out)
    assert f"minidl compare: error: cannot write {out}: Input/output error" in printed.err
    assert f"{out}.part keeps all runs" in printed.err


@pytest.mark.parametrize("name", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EINTR])
def test_a_fault_in_the_journal_is_told_and_the_same_call_goes_on(
    name, number, out, made, monkeypatch
):
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 2)
    part = out.with_name("a.json.part")
    for at in (1, 3, 2, 1):
        real, left = getattr(os, name), [at]

        def faulty(*arguments, real=real, left=left):
            left[0] -= 1
            if left[0] == 0:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[:7])
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(os, name, faulty)
            with pytest.raises(FileError, match=re.escape(os.strerror(number))):
                compare(moons, out=out, **SMALL)
        assert part.read_bytes().endswith(b"}\n") or not part.read_bytes()
    compare(moons, out=out, **SMALL)
    assert without_seconds(json.loads(out.read_bytes())) == without_seconds(json.loads(made[0]))


def test_a_half_written_line_is_taken_away_before_the_next(out, part, made, monkeypatch):
    """If the disk is full, shortening a file can fail, too."""
    part.write_bytes(made[1])
    headers = json.loads(made[1].splitlines()[0])["headers"]
    journal = Journal(out, headers)
    runs = list(journal.runs[0].values())[:2]
    real = os.write

    def full(opened, data):
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(opened, bytes(data)[: len(data) - 50])

    def fails(opened, size):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        patched.setattr(os, "ftruncate", fails)
        with pytest.raises(FileError, match="No space left"):
            journal.add(0, runs)
    assert len(part.read_bytes()) > len(made[1])
    journal.add(0, runs)
    journal.release()
    again = Journal(out, headers)
    again.release()
    assert again.runs[0].keys() == journal.runs[0].keys()


FOREIGN = {
    "a letter": b"Dear Sir,\n",
    "a letter in one line": b"Dear Sir,",
    "a list": b"[1, 2]\n",
    "an object": b'{"a": 1}\n',
    "a journal of nothing": b'{"journal":3,"headers":[]}\n',
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_part_that_is_not_ours_is_neither_emptied_nor_deleted(kind, out, part):
    part.write_bytes(FOREIGN[kind])
    with pytest.raises(DataError, match=r"a\.json\.part is not a journal"):
        compare(moons, out=out, **SMALL)
    assert part.read_bytes() == FOREIGN[kind]


@pytest.mark.parametrize("kind", ["a link", "a link to nothing", "a pipe", "a folder"])
def test_a_planted_link_at_the_place_of_part_is_not_followed(kind, out, part, tmp_path):
    victim = tmp_path / "victim"
    if kind == "a link":
        victim.write_text("precious")
    {"a pipe": os.mkfifo, "a folder": os.mkdir}.get(kind, lambda p: p.symlink_to(victim))(part)
    with pytest.raises(FileError, match=r"a\.json\.part is not a regular file, so it is left"):
        compare(moons, out=out, **SMALL)
    assert os.path.lexists(part)
    assert not victim.exists() or victim.read_text() == "precious"


def test_a_second_process_with_the_same_file_is_refused(out, part, made):
    part.write_bytes(made[1])
    code = "import fcntl, sys; f = open(sys.argv[1], 'rb'); fcntl.flock(f, fcntl.LOCK_EX);"
    code += "print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(part)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(FileError, match=r"is in use by another process\. Wait until"):
            compare(moons, out=out, **SMALL)
        process.stdin.close()
    assert part.read_bytes() == made[1]
    compare(moons, out=out, **SMALL)


def test_what_has_taken_the_place_of_part_is_not_deleted(out, part, made, monkeypatch):
    add = Journal.add

    def replaced(self, number, runs):
        add(self, number, runs)
        part.unlink(missing_ok=True)
        part.write_text("precious")

    monkeypatch.setattr(Journal, "add", replaced)
    compare(moons, out=out, **SMALL)
    assert part.read_text() == "precious"
    assert without_seconds(json.loads(out.read_bytes())) == without_seconds(json.loads(made[0]))


def changed(name, value, *, at=("comparisons", 0, "runs", 0)):
    """Return what changes a field of a record."""

    def change(record):
        place = record
        for step in at:
            place = place[step]
        place[name] = value

    return change


PLAN = ("comparisons", 0, "plan")
HOSTILE = {
    "a seed of no plan": changed("seed", 77),
    "a seed that is a text": changed("seed", "0"),
    "an optimizer of no plan": changed("optimizer", "adam"),
    "an unknown curve": changed("a", [1.0], at=("comparisons", 0, "runs", 0, "curves")),
    "a shorter curve": changed("train_loss", [1.0], at=("comparisons", 0, "runs", 0, "curves")),
    "text in a curve": changed("train_loss", ["1"] * 4, at=("comparisons", 0, "runs", 0, "curves")),
    "an accuracy of 2": changed(
        "train_accuracy", [2.0] * 4, at=("comparisons", 0, "runs", 0, "curves")
    ),
    "a cross-entropy below 0": changed(
        "train_loss", [-1.0] * 4, at=("comparisons", 0, "runs", 0, "curves")
    ),
    "a setting of one number": changed("setting", [0.1]),
    "a divergence before its start": changed("diverged_at", -1),
    "a divergence after its end": changed("diverged_at", 9),
    "time that runs back": changed("seconds", -1.0),
    "a field of no run": changed("code", "import os"),
    "no optimizers": changed("contestants", [], at=PLAN),
    "10^12 epochs": changed("epochs", 10**12, at=PLAN),
    "another goal": changed("goal", ["gap", 3.0], at=PLAN),
    "a rate below 0": changed("rates", [-0.1, 0.3], at=PLAN),
    "the same seed twice": changed("seeds", [0, 0], at=PLAN),
    "no comparison": changed("comparisons", [], at=()),
    "a command that is a text": changed("command", "minidl", at=()),
    "a run twice": lambda record: record["comparisons"][0]["runs"].append(
        record["comparisons"][0]["runs"][0]
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_record_that_its_checksum_cannot_tell_is_refused_by_its_form(kind, out, made):
    record = json.loads(made[0])
    del record["sha256"]
    HOSTILE[kind](record)
    for protocol in (2, 3):
        text = json.dumps({**record, "protocol": protocol})
        out.write_text(sealed_again(text) if protocol == 3 else text)
        with pytest.raises(DataError, match=r"a\.json is not a saved comparison, or is damaged"):
            Comparison.from_json(out)


def test_records_of_protocol_2_have_no_checksum_and_still_load(out, made):
    record = json.loads(made[0])
    del record["sha256"]
    out.write_text(json.dumps({**record, "protocol": 2}))
    again = Comparison.from_json(out)
    out.write_bytes(made[0])
    assert str(Comparison.from_json(out)) == str(again)


EDITS = {
    "the third line is gone": lambda lines: [*lines[:2], *lines[3:]],
    "two lines have changed places": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a line is there twice": lambda lines: [*lines[:2], *lines[1:]],
    "a digit has changed": lambda lines: [
        *lines[:2], re.sub(rb'"seed":\d', b'"seed":7', lines[2]), *lines[3:]
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", EDITS)
def test_a_line_of_a_journal_that_was_moved_is_told_and_its_advice_works(kind, out, part, made):
    lines = EDITS[kind](made[1].splitlines(keepends=True))
    part.write_bytes(b"".join(lines))
    words = r"line (\d) of .*a\.json\.part is damaged: its bytes.*Delete line \1 and those after it"
    with pytest.raises(DataError, match=words) as caught:
        compare(moons, out=out, **SMALL)
    assert part.read_bytes() == b"".join(lines)
    number = int(re.search(words, str(caught.value)).group(1))
    part.write_bytes(b"".join(lines[: number - 1]))
    compare(moons, out=out, **SMALL)
    assert without_seconds(json.loads(out.read_bytes())) == without_seconds(json.loads(made[0]))

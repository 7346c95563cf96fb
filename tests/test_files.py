"""Files are written whole, with the permissions that `open` would give or has given them."""

import errno
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from minidl.errors import FileError
from minidl.files import append_to, atomic_write, check_place, identity_of
from minidl.leftovers import lock, remove_leftovers


def write(path: Path, text: str) -> None:
    with atomic_write(path, "w") as file:
        file.write(text)


def test_a_new_file_has_the_usual_permissions_and_a_replaced_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    usual, path = tmp_path / "usual", tmp_path / "path"
    usual.touch()
    write(path, "first")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o600)
    write(path, "second\r\n")
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, b"second\r\n")
    assert sorted(tmp_path.iterdir()) == [path, usual]


def test_an_error_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "path"
    write(path, "first")

    def interrupted() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no folder"):
        write(tmp_path / "nowhere" / "path", "text")


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def link_to(target: str) -> Callable[[Path], Path]:
    def link(path: Path) -> Path:
        path.symlink_to(target)
        return path

    return link


SPECIAL = {
    "a folder": (lambda path: path.mkdir() or path, "it is a folder"),
    "a pipe": (pipe, "it is a pipe. Name a regular file, or leave it out."),
    "a device": (lambda _: Path("/dev/null"), "/dev/null: it is a device"),
    "a link to a device": (link_to("/dev/full"), "it is a device"),
    "the output of this process": (lambda _: Path("/dev/stdout"), "it is a"),
    "a file of this process": (lambda _: Path("/proc/self/comm"), "it is a device"),
    "a new name among the devices": (lambda _: Path("/dev/minidl.npz"), "it is a device"),
    "links in a circle": (link_to("place"), "cannot write"),
    "no name": (lambda _: "", "the name of the file is empty"),
    "a null character": (lambda _: "a\0b", "cannot write"),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_only_a_regular_file_is_replaced(kind: str, tmp_path: Path) -> None:
    make, words = SPECIAL[kind]
    path = make(tmp_path / "place")
    for call in (check_place, lambda path: write(path, "text")):
        with pytest.raises(FileError, match=re.escape(words)):
            call(path)
    assert [file.name for file in tmp_path.iterdir()] in ([], ["place"])


def test_the_check_before_the_work_tries_to_write_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_place(tmp_path / "path")
    assert list(tmp_path.iterdir()) == []

    def refused(*arguments: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(FileError, match=r"cannot write .*path: Permission denied"):
        check_place(tmp_path / "path")


def test_a_planted_link_at_the_temporary_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)
    planted = tmp_path / f"path.minidl-{'0' * 16}.tmp"
    planted.symlink_to(victim)
    with pytest.raises(FileError, match="File exists"):
        write(tmp_path / "path", "text")
    assert victim.read_text() == "precious"
    assert planted.is_symlink()


def test_a_long_name_has_room_for_a_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)  # 254 bytes of 255
    write(path, "text")
    assert path.read_text() == "text"


FAULTS = [errno.ENOSPC, errno.EIO, errno.EINTR]


class Faulty:
    """A function of the system whose call number `at` raises an error."""

    def __init__(self, real: Callable[..., object], at: int, number: int) -> None:
        self.real, self.left, self.number = real, at, number

    def __call__(self, *arguments: object, **named: object) -> object:
        self.left -= 1
        if self.left == -1:
            raise OSError(self.number, os.strerror(self.number))
        return self.real(*arguments, **named)


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("name", ["fsync", "replace", "open"])
def test_a_fault_of_the_disk_leaves_the_old_file_or_the_new_one(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "path"
    for at in range(1 if name == "replace" else 2):  # the file and its folder
        write(path, "first")
        with monkeypatch.context() as patched:
            patched.setattr(os, name, Faulty(getattr(os, name), at, number))
            words = f"cannot write {path}: {os.strerror(number)}"
            with pytest.raises(FileError, match=re.escape(words)) as caught:
                write(path, "second")
        assert caught.value.errno == number
        assert path.read_text() == ("second" if at else "first")
        assert list(tmp_path.iterdir()) == [path]


def test_what_is_appended_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "path"
    write(path, "a\n")
    left = append_to(path, b"b\n", identity_of(path))
    assert left == identity_of(path)
    real = os.write

    def half(opened: int, data: bytes) -> int:
        if len(data) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(opened, bytes(data)[:1])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(FileError, match="No space left"):
            append_to(path, b"cc", left)
    assert path.read_bytes() == b"a\nb\n"
    assert append_to(path, b"c\n", left) == identity_of(path)
    assert append_to(path, b"d\n", left) is None  # not as it was then
    path.unlink()
    assert append_to(path, b"d\n", left) is None


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "results" / "path", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    write(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"
    assert list(target.parent.iterdir()) == [target]


LEFT = "path.minidl-0123456789abcdef.tmp"


def test_what_a_killed_process_has_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "path"
    for begin in (check_place, lambda path: write(path, "text")):
        child = os.fork()
        if not child:
            with atomic_write(path) as file:
                file.write(b"half")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        (left,) = [file for file in tmp_path.iterdir() if file != path]
        assert left.read_bytes() == b"half"
        begin(path)
        assert not left.exists()


def test_only_what_is_certainly_left_is_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    others = ["path.0123456789abcdef.tmp", "path.minidl-0123.tmp", "other" + LEFT[4:], LEFT + "x"]
    for name in others:
        (tmp_path / name).write_text("of somebody else")
    digits = iter("abcdef")
    places = [tmp_path / LEFT.replace("0", next(digits)) for _ in range(4)]
    places[0].symlink_to(victim)
    os.link(victim, places[1])
    os.mkfifo(places[2])
    places[3].mkdir()
    before = sorted(tmp_path.iterdir())
    (tmp_path / LEFT).write_text("left")
    write(tmp_path / "path", "text")
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "path"])
    assert victim.read_text() == "precious"


def test_a_file_that_is_being_written_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    path = tmp_path / "path"
    with atomic_write(path, "w") as file:
        file.write("first")
        write(path, "second")  # as by another process; it looks for leftovers
        check_place(path)
    assert path.read_text() == "first"


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = tmp_path / "path", []

    def locked(opened: int) -> None:
        if not made:
            made.extend(tmp_path.iterdir())
            remove_leftovers(path)
        lock(opened)

    monkeypatch.setattr("minidl.files.lock", locked)
    write(path, "text")
    assert len(made) == 1
    assert path.read_text() == "text"
    assert list(tmp_path.iterdir()) == [path]

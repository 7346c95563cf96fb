"""Files are written whole, with the permissions that `open` would give or has given them."""

import os
from pathlib import Path

import pytest

from minidl.files import atomic_write


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
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "nowhere" / "path", "text")


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "results" / "path", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    write(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"
    assert list(target.parent.iterdir()) == [target]

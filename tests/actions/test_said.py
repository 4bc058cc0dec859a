from __future__ import annotations

from pathlib import Path

from ckstore.actions.said import last_lines, last_text, tail, telling_line


def test_only_the_end_of_a_large_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)  # a hole: reading it whole would never end
        stream.seek(0, 2)
        stream.write(b"\nthe end\n")
    assert last_lines(file, 1) == ["the end"]
    assert last_text(file, 8) == "the end\n"
    assert len(tail(file, 10)) == 10


def test_what_is_shown_steers_no_terminal_and_is_valid_text(tmp_path: Path) -> None:
    file = tmp_path / "odd"
    file.write_bytes(b"\x1b[31mred\xff\r\n\r\nlong " + b"x" * 5000 + b"\x00\x9b\n")
    red, long = last_lines(file, 10)
    assert red == "\ufffd[31mred\ufffd"
    assert len(long) == 400
    assert long.endswith("…")


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert (last_lines(tmp_path / "none", 3), telling_line([])) == ([], "")


def test_the_telling_line_is_the_last_that_sounds_like_an_error() -> None:
    assert telling_line(["error: one", "  ValueError: two", "done"]) == "ValueError: two"
    assert telling_line(["one", "two "]) == "two"

"""Command transcripts: what a person types, sees, and gets as exit code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from ckstore import Store
from ckstore.cli.app import COMMANDS, INTERRUPTED
from ckstore.errors import CorruptData
from ckstore.model.records import Run
from ckstore.objects.log import LogView
from tests.cli.session import Session, repository


def test_help_lists_every_command_with_a_sentence(session: Session) -> None:
    text = session("--help").out
    for name, sentence in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(sentence)}", text, re.MULTILINE)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(session: Session, name: str) -> None:
    text = session(name, "--help").out
    assert text.startswith(f"Usage: ckstore {name}")
    assert "--help" in text


def test_the_help_of_run_tells_the_options_of_programs(session: Session) -> None:
    text = session("run", "--help").out
    for flag in ("--cmd TEXT", "--dataset TEXT", "--repeat INTEGER", "--env.KEY VALUE", "--timeout NUMBER"):
        assert flag in text


def test_an_unknown_command_names_the_nearest(session: Session) -> None:
    assert "Did you mean find?" in session("fnd", code=2).err


def test_an_unknown_flag_is_refused_with_exit_2(session: Session) -> None:
    assert "No such option" in session("add", "--knd", "dataset", ".", code=2).err


def test_errors_are_json_on_stderr_when_json_was_asked_for(session: Session) -> None:
    repository(session)
    session("add", "lab")
    error = json.loads(session("show", "program:conter", "--json", code=10).err)
    assert error["error"] == "no-component"
    assert any("counter" in hint for hint in error["hints"])


def test_without_a_store_reading_says_how_to_make_one(session: Session) -> None:
    answer = session("find", "anything", code=10)
    assert "There is no store at" in answer.err
    assert "ckstore mirror" in answer.err


def test_adding_a_repository_says_what_was_added_and_adding_it_again_that_nothing_was(
    session: Session,
) -> None:
    repository(session)
    first = session("add", "lab").out
    assert "added     lab:program:counter@1.0.0  (first)" in first
    assert "3 releases added" in first
    again = session("add", "lab").out
    assert again.endswith("nothing to do: 3 components unchanged\n")
    assert len(session("log", "--json").json) == 1


def test_a_changed_tag_is_told_as_the_reason_of_a_major_release(session: Session) -> None:
    session("add", str(repository(session)))
    path = session.folder / "lab/dataset/short/component.toml"
    path.write_text(path.read_text().replace('"short"', '"brief"'))
    assert "lab:dataset:short@2.0.0  (major: -tag:short, +tag:brief)" in session("add", "lab").out


def test_other_content_under_a_stated_version_is_a_conflict(session: Session) -> None:
    session.write("note/a.txt", "one")
    session("add", "note", "--kind", "dataset", "--version", "1.0.0", "--tags", "text,new")
    assert (
        "unchanged"
        in session("add", "note", "--kind", "dataset", "--version", "1.0.0", "--tags", "text,new").out
    )
    session.write("note/a.txt", "two")
    error = session(
        "add", "note", "--kind", "dataset", "--version", "1.0.0", "--tags", "text,new", code=11
    ).err
    assert len(re.findall(r"sha256:[0-9a-f]{64}", error)) == 2


def test_find_answers_by_tags_names_and_uid_and_counts(session: Session) -> None:
    session("add", str(repository(session)))
    assert session("find", "dataset", "--tags", "text,-verse").out.startswith("lab:dataset:short  1.0.0")
    assert session("find", "program:cou*", "--ids").out == "lab:program:counter@=1.0.0\n"
    assert session("find", "00000000000000aa", "--json").json[0]["name"] == "counter"
    assert session("find", "--source", "lab", "--count").out == "3\n"


def test_a_search_without_hits_exits_10_and_suggests(session: Session) -> None:
    session("add", str(repository(session)))
    assert "did you mean counter?" in session("find", "program:conter", code=10).err


def test_show_tells_versions_needs_and_how_to_run(session: Session) -> None:
    session("add", str(repository(session)))
    text = session("show", "program:counter").out
    for words in (
        "commands",
        "count, fail",
        "ckstore run program:counter",
        "dataset[text]",
        "swh:1:dir:",
        "1.0.0",
    ):
        assert words in text


def test_lock_run_runs_show_and_replay_tell_one_story(session: Session) -> None:
    session("add", str(repository(session)))
    assert "ckstore.lock written" in session("lock", "program:counter").out
    assert "up to date" in session("lock").out
    assert "up to date" in session("lock", "--check").out
    first = session("run", "program:counter", "--cmd", "count", "--dataset", "verse", "--repeat", "2").out
    assert "count on verse/data.txt" in first
    assert "recorded as the reference: count.txt" in first
    run_id = re.search(r"run +([0-9a-f]{16})", first)
    assert run_id is not None
    assert "(median of 2;" in first
    assert run_id[1] in session("runs").out
    assert "--cmd count --dataset verse --repeat 2" in session("show", run_id[1][:8]).out
    assert f"equal to those of run {run_id[1]}" in session("replay", run_id[1]).out
    assert session("replay", "last", "--json").json["comparisons"][0]["result"] == "same"


def test_the_files_of_a_run_can_be_had_again(session: Session) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter", "--dataset", "short")
    session("show", "last", "--outputs", "out")
    assert Path("out/count.txt").read_text() == "4\n"


def test_the_word_order_of_ck_runs_an_action(session: Session) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    error = session("bench", "program:counter", code=10).err
    assert "has no action 'bench'" in error
    assert "compile, run" in error
    assert "ok" in session("compile", "program:counter").out
    assert "ok" in session("run", "compile", "program:counter").out


def test_outside_of_a_project_a_run_locks_first_and_keeps_the_lock(session: Session) -> None:
    session("add", str(repository(session)))
    assert "not in a project: locked program:counter" in session("run", "program:counter").err
    assert "using the lock kept" in session("run", "program:counter").err
    assert not Path("ckstore.lock").exists()


def test_a_failing_program_exits_1_says_so_and_is_recorded(session: Session) -> None:
    session("add", str(repository(session)))
    answer = session("run", "program:counter", "--cmd", "fail", code=1)
    assert "exit code 3" in answer.err
    assert "failed" in session("runs").out


def test_a_time_out_exits_1_and_says_so(session: Session) -> None:
    session("add", str(repository(session)))
    answer = session("run", "program:counter", "--cmd", "sleep", "--timeout", "0.3", code=1)
    assert "timed out" in answer.out + answer.err
    assert "timeout" in session("runs").out


def test_unknown_options_commands_and_datasets_of_an_action_name_the_nearest(session: Session) -> None:
    session("add", str(repository(session)))
    assert "repeat" in session("run", "program:counter", "--repaet", "3", code=2).err
    assert "did you mean count?" in session("run", "program:counter", "--cmd", "cuont", code=10).err
    assert "verse" in session("run", "program:counter", "--dataset", "vers", code=10).err


def test_other_outputs_than_before_are_a_mismatch_with_exit_1(session: Session) -> None:
    session("add", str(repository(session)))
    session.write(
        "lab/program/counter/count.py", "import time\nopen('count.txt', 'w').write(str(time.time_ns()))\n"
    )
    session("add", "lab")
    session("run", "program:counter")
    answer = session("replay", "last", code=1)
    assert "differ from those of run" in answer.out
    assert "mismatch" in session("runs").out


def test_a_variable_given_on_the_command_line_reaches_the_program(session: Session) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter", "--dataset", "short", "--env.FACTOR=3")
    session("show", "last", "--outputs", "out")
    assert Path("out/count.txt").read_text() == "12\n"


def test_a_component_that_the_lock_does_not_name_is_not_run(session: Session) -> None:
    session("add", str(repository(session)))
    session("lock", "dataset:short")
    assert "`ckstore lock program:counter` adds it" in session("run", "program:counter", code=10).err


def test_what_is_locked_for_a_group_can_be_run(session: Session) -> None:
    session("add", str(repository(session)))
    session("lock", "--group", "dev", "program:counter")
    assert 'dev = ["program:counter"]' in Path("ckstore.toml").read_text()
    session("lock", "--check")
    session("run", "program:counter", "--dataset", "short")
    assert "goes with requirements" in session("lock", "--group", "dev", code=2).err


def test_a_lock_edited_by_hand_lays_out_nothing(session: Session) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    lock = Path("ckstore.lock")
    lock.write_text(re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", lock.read_text()))
    assert "ckstore.lock edited?" in session("run", "program:counter", code=11).err
    session("lock", "--check", code=11)


def test_two_sources_with_the_same_component_are_ambiguous_until_one_is_chosen(session: Session) -> None:
    session("add", str(repository(session)))
    session("add", str(repository(session, "copy")))
    error = session("lock", "program:counter", code=11).err
    assert "copy:program:counter" in error
    assert "[sources]" in error
    assert not Path("ckstore.lock").exists()
    session.write("ckstore.toml", 'requires = ["program:counter"]\n[sources]\ncopy = ""\n')
    assert "copy:program:counter" in session("lock").out


def test_an_unreachable_repository_exits_13(session: Session) -> None:
    error = session("mirror", "http://127.0.0.1:1/nothing.git", code=13).err
    assert "127.0.0.1" in error


def test_a_wrong_address_exits_2_and_shows_what_is_understood(session: Session) -> None:
    assert "hint" in session("mirror", "ext::sh -c id", code=2).err


def test_an_interrupted_command_exits_130(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session("add", str(repository(session)))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ckstore.operations.log.log", interrupt)
    assert "interrupted" in session("log", code=INTERRUPTED).err


def test_a_damaged_store_is_told_by_fsck_with_exit_12(session: Session, tmp_path: Path) -> None:
    session("add", str(repository(session)))
    assert "all well" in session("fsck").out
    pack = next((tmp_path / "store/objects.git/objects/pack").glob("*.pack"))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 0xFF
    pack.chmod(0o644)
    pack.write_bytes(data)
    assert "bad-object" in session("fsck", code=12).out


def test_a_check_and_a_repair_answer_with_the_same_keys(session: Session) -> None:
    session("add", str(repository(session)))
    checked = session("fsck", "--json").json
    assert checked == session("fsck", "--repair", "--json").json
    assert [checked[key] for key in ("mended", "lost", "notes", "back_to")] == [[], [], [], ""]


def test_what_was_typed_is_in_the_log(session: Session) -> None:
    session("add", str(repository(session)))
    session("yank", "program:counter@1.0.0", "--reason", "it is wrong")
    assert session("log", "--json").json[0]["command"] == (
        "ckstore yank program:counter@1.0.0 --reason 'it is wrong'"
    )
    session("undo")
    assert session("log", "--json").json[0]["command"] == "ckstore undo"


def test_a_manifest_with_an_unknown_key_names_the_nearest(session: Session) -> None:
    session("add", str(repository(session)))
    session.write("ckstore.toml", 'require = ["program:counter"]\n')
    assert "did you mean requires?" in session("lock", code=2).err


def test_replaying_a_failed_run_that_succeeds_now_is_no_mismatch(session: Session) -> None:
    session("add", str(repository(session)))
    marker = session.folder / "marker"
    code = (
        f"import os, sys\nopen('count.txt', 'w').write('1')\nsys.exit(not os.path.exists({str(marker)!r}))\n"
    )
    session.write("lab/program/counter/count.py", code)
    session("add", "lab")
    session("run", "program:counter", code=1)
    marker.touch()
    assert "recorded as the reference" in session("replay", "last").out


def test_a_damaged_run_is_told_and_the_others_are_listed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter")
    session("run", "program:counter", "--cmd", "fail", code=1)
    damaged, whole = (run["id"] for run in session("runs", "--json").json)
    read = LogView.run

    def run(view: LogView, run_id: str) -> Run:
        if run_id == damaged:
            raise CorruptData("The object is damaged.", code="bad-object")
        return read(view, run_id)

    monkeypatch.setattr(LogView, "run", run)
    answer = session("runs")
    assert whole in answer.out and damaged not in answer.out
    assert f"run {damaged} cannot be read" in answer.err
    session("show", damaged[:6], code=12)
    session("show", "program:counter")


def test_a_store_may_be_moved(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    session("run", "program:counter")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "elsewhere"))
    assert "equal to those" in session("run", "program:counter").out


def test_a_copied_store_runs_its_own_files(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    session("run", "program:counter")
    shutil.copytree(tmp_path / "store", tmp_path / "copy", symlinks=True)
    for path in (tmp_path / "store/trees").glob("*/count.py"):
        path.chmod(0o644)
        path.write_text("open('count.txt', 'w').write('evil')")
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "copy"))
    assert "equal to those" in session("run", "program:counter").out


def test_an_entry_of_a_snapshot_that_was_swapped_is_made_anew(session: Session, tmp_path: Path) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    session("run", "program:counter")
    (entry,) = (tmp_path / "store/snapshots").glob("*/lab/program/counter")
    entry.parent.chmod(0o755)
    entry.unlink()
    entry.symlink_to(session.folder)
    assert "equal to those" in session("run", "program:counter").out


def test_a_negative_limit_is_refused(session: Session) -> None:
    for name in ("log", "runs"):
        session(name, "-n", "-2", code=2)


def test_a_manifest_that_is_no_text_is_told_by_every_command(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CKSTORE_STORE")
    Path("ckstore.toml").write_bytes(b"# caf\xe9\nstore = 1\n")
    for words in (["find", "x"], ["sources"], ["lock"]):
        assert "ckstore.toml cannot be read" in session(*words, code=2).err


def test_a_component_that_comes_back_unchanged_is_told(session: Session) -> None:
    folder = repository(session)
    session("add", "lab")
    (folder / "dataset/short").rename(session.folder / "aside")
    assert "withdrawn lab:dataset:short" in session("add", "lab").out
    (session.folder / "aside").rename(folder / "dataset/short")
    assert "back      lab:dataset:short@1.0.0" in session("add", "lab").out


def test_the_log_does_not_call_a_mismatch_ok(session: Session) -> None:
    session("add", str(repository(session)))
    session.write(
        "lab/program/counter/count.py", "import time\nopen('count.txt', 'w').write(str(time.time_ns()))\n"
    )
    session("add", "lab")
    session("run", "program:counter")
    session("replay", "last", code=1)
    newest, *_ = session("log", "--json").json
    assert newest["command"].startswith("ckstore replay ")
    assert "ok" not in newest["summary"].split()


def test_fsck_brings_a_damaged_index_up_to_date(session: Session, tmp_path: Path) -> None:
    session("add", str(repository(session)))
    session("find", "dataset")
    index = tmp_path / "store/index.sqlite"
    index.write_bytes(b"garbage")
    session("fsck")
    assert index.read_bytes().startswith(b"SQLite format 3")


def test_words_of_the_program_do_not_make_errors_json(session: Session) -> None:
    session("add", str(repository(session)))
    assert session("run", "program:none", "--", "--json", code=10).err.startswith("ckstore: ")


def test_python_and_the_command_line_use_the_same_store(session: Session) -> None:
    session("add", str(repository(session)))
    assert [hit.name for hit in Store(create=False).find("program")] == ["counter"]


def test_checking_a_lock_and_adding_to_it_exclude_each_other(session: Session) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    assert "--check changes nothing" in session("lock", "--check", "program:counter", code=2).err


def test_outputs_are_written_into_a_new_folder_only(session: Session) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter")
    session("show", "last", "--outputs", "out")
    assert "out/count.txt is there already" in session("show", "last", "--outputs", "out", code=11).err


def test_an_action_that_answers_a_question_prints_the_answer(session: Session) -> None:
    session("add", str(repository(session)))
    assert "python" in session("detect", "soft:compiler.python").out.lower()


def test_a_program_may_need_one_dataset_by_tags(session: Session) -> None:
    folder = repository(session)
    path = folder / "program/counter/component.toml"
    path.write_text(path.read_text().replace('{every = "dataset[text]"}', '"dataset[verse]"'))
    session("add", "lab")
    assert "count on verse/data.txt" in session("run", "program:counter").out


def test_another_range_for_the_same_wish_replaces_the_old_one(session: Session) -> None:
    session("add", str(repository(session)))
    session.write("ckstore.toml", '# ours\nrequires = [\n  "program:counter@^1",  # pinned by hand\n]\n')
    session("lock")
    session("lock", "program:counter")
    assert "@^1" in Path("ckstore.toml").read_text()
    session("lock", "program:counter@>=1,<3")
    text = Path("ckstore.toml").read_text()
    assert text.count("program:counter") == 1
    assert "program:counter@>=1,<3" in text and text.startswith("# ours")


def test_an_update_says_why_something_is_not_needed_any_more(session: Session) -> None:
    folder = repository(session)
    session("add", "lab")
    session("lock", "program:counter")
    path = folder / "dataset/short/component.toml"
    path.write_text(path.read_text().replace('"text", ', '"prose", '))
    session("add", "lab")
    answer = session("update")
    assert "- lab:dataset:short@=1.0.0" in answer.out
    assert "lab:dataset:short is at 2.0.0 now: -tag:text +tag:prose" in answer.err

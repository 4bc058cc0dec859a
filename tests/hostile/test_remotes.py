"""Rows 67 to 76: refs, addresses, credentials, and servers that do not play fair."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2
import pytest

from ckstore.cli.common import clean
from ckstore.errors import CkstoreError, InvalidInput, Unavailable, Unsupported
from ckstore.mirror import library_git, stock_git
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.listing import MAX_REDIRECTS
from ckstore.mirror.redirects import is_inside, may_name, why_not
from ckstore.mirror.remote import Engine, is_ref, read_refs
from ckstore.mirror.stock_git import StockGit, environment
from ckstore.mirror.urls import parse_url
from ckstore.model.limits import MAX_REF_BYTES, MAX_REFS, MAX_TAGS
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.hostile.hands import Hands
from tests.hostile.packs import BLOB, Entry, write_pack
from tests.hostile.remotes import (
    SERVICE,
    Remote,
    band,
    endless,
    listed,
    packet,
    redirected,
    serving,
)
from tests.mirror.upstream import Upstream, lines, native

MAIN = b"refs/heads/main"
OID = "1" * 40
LISTING = "/info/refs?service=git-upload-pack"


@pytest.fixture(params=["stock", "library"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine | None = LibraryGit() if request.param == "library" else StockGit.find()
    if found is None:
        pytest.skip("git is not installed")
    return found


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """(head, pack) of a good repository."""
    hands = Hands()
    head = hands.repository(hands.component())
    return head, write_pack(tmp_path_factory.mktemp("pack"), hands.entries).read_bytes()


@pytest.fixture
def remote(sent: tuple[str, bytes]) -> Iterator[Remote]:
    with serving(Remote([(MAIN, sent[0])], sent[1])) as remote:
        yield remote


def nothing_is_left(store: ObjectStore) -> bool:
    """Neither in the store nor in the quarantine."""
    packs = [path for path in store.path.rglob("*") if path.suffix in (".pack", ".idx")]
    return not packs and store.view().sources() == []


# -- refs ------------------------------------------------------------------------------------------------

NAMES: list[Row[bytes]] = [
    *(
        Row((67,), f"the name {name[:20]!r}", name)
        for name in (
            b"a..b", b".hidden", b"a/.b", b"a.lock", b"a/b.lock/c", b"a@{b", b"a b", b"a~1", b"a^", b"a:b",
            b"a?b", b"a*", b"a[b", b"a\\b", b"a//b", b"/a", b"a/", b"a.", b"\x7f", b"a\x1b[2J", b"..",
            b"a:refs/heads/x", b"../../../hooks/post-checkout", b"n" * (MAX_REF_BYTES + 1),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(NAMES))
def test_a_name_that_git_does_not_allow_is_left_out(row: Row[bytes]) -> None:
    name = row.given.decode("utf-8", "surrogateescape")
    assert not is_ref(f"refs/tags/{name}")
    refs = read_refs([("refs/heads/main", OID), (f"refs/tags/{name}", OID)], "somewhere")
    assert refs.tags == {}
    assert "left out: 1 ref with names" in refs.note


ODD_TAGS = [
    b"-x",
    b"--upload-pack=evil",
    b"a",
    b"a/b",
    b"A",
    b"HEAD",
    b"n" * 900,
    "\u202eevil".encode(),
    b"v1\xff",
]


@stands_for(67)
def test_tags_that_no_disk_could_hold_together_all_arrive(
    store: ObjectStore, remote: Remote, have_git: str
) -> None:
    """Twins in case, one that is a folder of another, one longer than a file name may be."""
    head = remote.refs[0][1]
    remote.refs += [(b"refs/tags/" + tag, head) for tag in sorted(ODD_TAGS)]
    mirror(store, remote.url)
    labels = lines(store, "r")["program:good"].labels
    assert set(labels) == {tag.decode("utf-8", "backslashreplace") for tag in ODD_TAGS}
    assert set(labels.values()) == {"1.0.0"}
    assert "\u202e" not in clean(" ".join(labels))


@stands_for(67)
def test_more_refs_than_anyone_has_are_refused() -> None:
    pairs = ((f"refs/heads/{number}", OID) for number in range(MAX_REFS + 1))
    with pytest.raises(Unsupported) as caught:
        read_refs(pairs, "somewhere")
    assert caught.value.code == "too-many-refs"


@stands_for(67)
def test_of_very_many_tags_the_newest_are_taken() -> None:
    refs = read_refs(
        [("refs/heads/main", OID), *((f"refs/tags/v1.{n}", OID) for n in range(MAX_TAGS + 3))], "x"
    )
    assert len(refs.tags) == MAX_TAGS
    assert "v1.2" not in refs.tags
    assert f"v1.{MAX_TAGS + 2}" in refs.tags
    assert f"has {MAX_TAGS + 3} tags" in refs.note


@stands_for(68)
@pytest.mark.parametrize("target", [b"../../x", b"/etc/passwd", b"refs/heads/../../x", b"-x"])
def test_a_head_that_points_outside_is_a_head_that_names_no_branch(
    store: ObjectStore, remote: Remote, engine: Engine, target: bytes
) -> None:
    remote.symref = target
    try:
        report = mirror(store, remote.url, engine=engine)
    except CkstoreError:  # tools may refuse to speak to such a server
        assert nothing_is_left(store)
    else:
        assert (report.branch, report.total) == ("main", 2)


@stands_for(69, 70, 72)
def test_tags_that_move_or_go_are_told_and_change_no_release(store: ObjectStore, tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    first = up.commit(native("program/a"))
    second = up.commit(native("program/a", body="new"))
    up.tag("v1.2.3", first)
    up.tag("1.2.3", second)
    up.tag("gone", first)
    mirror(store, up.url)
    assert lines(store, "up")["program:a"].labels == {"1.2.3": "1.0.1", "gone": "1.0.0", "v1.2.3": "1.0.0"}
    up.tag("v1.2.3", second)
    up.repo.references.delete("refs/tags/gone")
    report = mirror(store, up.url)
    assert "the tag v1.2.3 was moved upstream" in report.notes
    component = lines(store, "up")["program:a"]
    assert component.labels == {"1.2.3": "1.0.1", "gone": "1.0.0", "v1.2.3": "1.0.1"}
    assert component.versions == ("1.0.0", "1.0.1")


@stands_for(71)
def test_a_branch_that_is_set_back_goes_on_and_loses_nothing(store: ObjectStore, tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    first = up.commit(native("program/a"))
    files = dict(up.files)
    second = up.commit(native("program/a", body="new"))
    mirror(store, up.url)
    up.reset(first, files)
    report = mirror(store, up.url)
    assert any("rewritten" in note for note in report.notes)
    assert lines(store, "up")["program:a"].versions[:2] == ("1.0.0", "1.0.1")
    assert store.has(second)


# -- addresses -------------------------------------------------------------------------------------------

ADDRESSES: list[Row[str]] = [
    Row((73,), "a helper that runs programs", "ext::sh -c evil", "blank", "bad-url"),
    Row((73,), "the same without blanks", "ext::sh%20-c", "transport helper", "refused-transport"),
    Row((73,), "open descriptors", "fd::17", "transport helper", "refused-transport"),
    Row((73,), "an unknown helper", "evil::https://host/r", "transport helper", "refused-transport"),
    Row((73,), "an option", "--upload-pack=evil", "dash", "bad-url"),
    Row((73,), "an option as a host", "ssh://-oProxyCommand=evil/r", "host name", "bad-url"),
    Row((73,), "an option as a short host", "-oProxyCommand=evil:r", "dash", "bad-url"),
    Row((73,), "an option as a path", "ssh://git@host/-evil", "leading dashes", "bad-url"),
    Row((73,), "an option as a user", "ssh://-evil@host/r", "user name", "bad-url"),
    Row((73,), "a line break", "https://host/r\nHost: evil", "control character", "bad-url"),
    Row((73,), "an encoded line break", "https://host/r%0aHost:%20evil", "control character", "bad-url"),
    Row((73,), "no host", "https:///r", "host name", "bad-url"),
    Row((73,), "a zone of IPv6", "https://[fe80::1%25eth0]/r", "host", "bad-url"),
    Row((73,), "a way up", "https://host/a/%2e%2e/b", "'..'", "bad-url"),
    Row((73,), "a host with a slash encoded", "https://host%2fevil/r", "host name", "bad-url"),
    Row((73,), "a host with a backslash", "https://good\\@evil/r", "credentials", "credentials-in-url"),
    Row((73,), "another scheme", "gopher://host/r", "not supported", "bad-scheme"),
    Row((73,), "a file on a host", "file://host/r", "name no host", "bad-url"),
    Row((73,), "a query", "https://host/r?x=y", "'?'", "bad-url"),
    Row((20, 73), "a turned line", "https://host/\u202ereversed", "printable", "bad-url"),
    Row((74,), "a password", "https://user:hunter2@host/r", "credentials", "credentials-in-url"),
    Row((74,), "a token", "https://hunter2@host/r", "credentials", "credentials-in-url"),
    Row((74,), "a password for ssh", "ssh://git:hunter2@host/r", "credentials", "credentials-in-url"),
    Row((74,), "a password and a wrong port", "https://user:hunter2@host:99999/r", "malformed", "bad-url"),
    Row((74,), "a password in the short form", "user:hunter2@host:r", "credentials", "credentials-in-url"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(ADDRESSES))
def test_an_address_that_does_harm_is_refused_and_no_secret_repeated(
    store: ObjectStore, row: Row[str]
) -> None:
    with pytest.raises(InvalidInput, match=row.says) as caught:
        mirror(store, row.given)
    assert caught.value.code == row.code
    told = json.dumps(caught.value.as_plain())
    assert "hunter2" not in told
    assert "\\n" not in told
    assert nothing_is_left(store)


@stands_for(74)
def test_a_token_is_neither_on_a_command_line_nor_in_the_store(
    store: ObjectStore, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSTORE_TOKEN", "hunter2")
    monkeypatch.setenv("CKSTORE_TOKEN_HOST", "github.com")
    elsewhere = environment(parse_url("https://gitlab.com/a/b"))
    assert [key for key, value in elsewhere.items() if "hunter2" in value] in ([], ["CKSTORE_TOKEN"])
    mirror(store, remote.url)
    assert all(not authorization for _, authorization in remote.seen)
    assert not any(b"hunter2" in path.read_bytes() for path in store.path.rglob("*") if path.is_file())


TARGETS: list[Row[str]] = [
    Row((73,), "to a file", "file:///etc" + LISTING, "not followed"),
    Row((73,), "to ftp", "ftp://127.0.0.1/r" + LISTING, "not followed"),
    Row((73,), "to a helper", "ext::sh" + LISTING, "not followed"),
    Row((73,), "to an option", "ssh://-oProxyCommand=x/r" + LISTING, "not followed"),
    Row((73,), "to ssh", "ssh://host/r" + LISTING, "leads to ssh://"),
    Row((73, 74), "to an address with a password", "http://a:hunter2@127.0.0.1/r" + LISTING,
        "credentials"),
    Row((73,), "to something else", "/login", "no repository"),
    Row((73,), "to nowhere", "", "does not say where"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(TARGETS))
def test_a_redirect_is_not_followed(
    store: ObjectStore, remote: Remote, engine: Engine, row: Row[str]
) -> None:
    remote.listing = redirected(row.given)
    with pytest.raises(CkstoreError) as caught:
        mirror(store, remote.url, engine=engine)
    if isinstance(engine, StockGit):  # libgit2 stumbles over some of them before we are asked
        assert caught.value.code == "redirect-refused"
        assert row.says in caught.value.message
    assert "hunter2" not in json.dumps(caught.value.as_plain())
    assert nothing_is_left(store)


@stands_for(73)
def test_redirects_in_a_circle_come_to_an_end(store: ObjectStore, remote: Remote, engine: Engine) -> None:
    remote.listing = redirected(remote.url + LISTING)
    with pytest.raises(Unavailable) as caught:
        mirror(store, remote.url, engine=engine)
    assert caught.value.code == "redirected"
    assert len(remote.seen) <= (4 if isinstance(engine, StockGit) else 20) * (MAX_REDIRECTS + 1)


@stands_for(73, 74)
def test_a_redirect_to_another_host_is_followed_without_the_token_of_the_first(
    store: ObjectStore, remote: Remote, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSTORE_TOKEN", "hunter2")
    monkeypatch.setenv("CKSTORE_TOKEN_HOST", "localhost")
    with serving(Remote(), "localhost") as first:
        first.listing = redirected(remote.url + LISTING, 301)
        report = mirror(store, first.url, engine=engine)
    assert report.total == 2
    assert f"led to {remote.url}" in report.notes[0]
    assert all(not authorization for _, authorization in remote.seen)


@stands_for(73)
@pytest.mark.parametrize(
    ("here", "there", "allowed"),
    [
        ("https://github.com/a/b", "https://codeberg.org/a/b", True),
        ("https://github.com/a/b", "http://github.com/a/b", False),
        ("http://github.com/a/b", "https://github.com/a/b", True),
        ("https://github.com/a/b", "https://169.254.169.254/a/b", False),
        ("https://github.com/a/b", "https://127.0.0.1/a/b", False),
        ("https://github.com/a/b", "https://[::1]/a/b", False),
        ("https://github.com/a/b", "https://10.0.0.1/a/b", False),
        ("https://github.com/a/b", "https://localhost/a/b", False),
        ("https://10.0.0.1/a/b", "https://10.0.0.2/a/b", True),
    ],
)
def test_a_redirect_does_not_lead_from_outside_to_inside(
    here: str, there: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"github.com": "140.82.121.3", "codeberg.org": "217.197.84.140", "localhost": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: [(0, 0, 0, "", (known.get(host, host), 0))])
    assert (why_not(parse_url(here), parse_url(there)) == "") is allowed


@stands_for(73)
def test_a_host_that_nobody_knows_counts_as_inside() -> None:
    assert is_inside("no-such-host.invalid")


@pytest.mark.parametrize(
    ("naming", "named", "allowed"),
    [
        ("https://github.com/a/b", "https://codeberg.org/a/b", True),
        ("https://github.com/a/b", "ssh://git@codeberg.org/a/b", True),
        ("https://github.com/a/b", "http://10.0.0.1/a/b", False),
        ("https://github.com/a/b", "https://localhost:8080/a/b", False),
        ("https://github.com/a/b", "ssh://git@192.168.1.5/a/b", False),
        ("https://github.com/a/b", "ssh://alias-of-mine/a/b", False),
        ("https://github.com/a/b", "ssh://git@unknown.example/a/b", False),
        ("https://github.com/a/b", "http://intranet/a/b", False),
        ("https://github.com/a/b", "http://169.254.169.254/a/b", False),
        ("https://github.com/a/b", "https://[fe80::1]/a/b", False),
        ("https://github.com/a/b", "https://[::ffff:127.0.0.1]/a/b", False),
        ("https://github.com/a/b", "ssh://git@[::1]/a/b", False),
        ("https://github.com/a/b", "https://unknown.example/a/b", True),  # a proxy may know it
        ("https://unknown.example/a/b", "https://10.0.0.1/a/b", False),
        ("https://10.0.0.1/a/b", "https://10.0.0.2/a/b", True),
        (".", "http://10.0.0.1/a/b", True),
    ],
)
def test_what_a_repository_needs_does_not_lead_from_outside_to_inside(
    naming: str, named: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"github.com": "140.82.121.3", "codeberg.org": "217.197.84.140", "localhost": "127.0.0.1"}

    def look_up(host: str, port: None) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host not in known and not (host[0].isdigit() or ":" in host):
            raise socket.gaierror
        return [(0, 0, 0, "", (known.get(host, host), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert may_name(parse_url(naming), parse_url(named)) is allowed


# -- servers ---------------------------------------------------------------------------------------------

START = packet(SERVICE) + b"0000"
LISTINGS: list[Row[bytes]] = [
    Row((75,), "nothing", b""),
    Row((75,), "a packet longer than packets are", b"ffff"),
    Row((75,), "a packet shorter than its length", b"0003"),
    Row((75,), "a length that is none", b"zzzz"),
    Row((75,), "a web page", b"<html>" + b"x" * 10_000),
    Row((75,), "only the beginning", START + b"00ff" + b"1" * 40),
    Row((75,), "ids that are none", START + packet(b"../../etc/passwd HEAD\0x\n") + b"0000"),
    Row((75,), "an error with an escape", START + packet(b"ERR \x1b[2Jevil\x07")),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(LISTINGS))
def test_a_list_of_refs_that_is_none_is_an_error(
    store: ObjectStore, remote: Remote, engine: Engine, row: Row[bytes]
) -> None:
    remote.listing = listed(row.given)
    with pytest.raises(CkstoreError) as caught:
        mirror(store, remote.url, engine=engine)
    assert "\x1b" not in clean(caught.value.message)
    assert nothing_is_left(store)


NAK = packet(b"NAK\n")
Spoil = Callable[[bytes], bytes]


def count(number: int) -> Spoil:
    return lambda pack: pack[:8] + struct.pack(">I", number) + pack[12:]


def first(number: int) -> Spoil:
    return lambda pack: pack[:number]


PACKS: list[Row[Spoil]] = [
    Row((51,), "one object less than it says", count(9)),
    Row((51,), "four billion objects", count(2**32 - 1)),
    Row((51,), "no object", count(0)),
    Row((52,), "a wrong checksum", lambda pack: pack[:-1] + bytes([pack[-1] ^ 1])),
    Row((52,), "no checksum", lambda pack: pack[:-20]),
    Row((50,), "another byte in the middle", lambda pack: pack[:40] + bytes([pack[40] ^ 255]) + pack[41:]),
    Row((52,), "version 9", lambda pack: pack[:4] + struct.pack(">I", 9) + pack[8:]),
    Row((52,), "no pack", lambda pack: b"KCAP" + pack[4:]),
    *(Row((53,), f"only {number} bytes", first(number)) for number in range(16)),
    Row((53,), "half of it", lambda pack: pack[: len(pack) // 2]),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(PACKS))
def test_a_pack_that_is_not_whole_leaves_nothing(
    store: ObjectStore, remote: Remote, engine: Engine, row: Row[Spoil]
) -> None:
    remote.pack = row.given(remote.pack)
    with pytest.raises(CkstoreError) as caught:
        mirror(store, remote.url, engine=engine)
    assert caught.value.code
    assert nothing_is_left(store)


@stands_for(49, 50, 58)
@pytest.mark.parametrize(
    "bad",
    [Entry(BLOB, b"longer", 3), Entry(BLOB, b"x", 2**40), Entry(5, b"x"), Entry(0, b"x"),
     Entry(7, b"\1\1\x90\1", base="e" * 40), Entry(6, b"\1\1\x90\1", base=1 << 40)],
    ids=["longer", "terabyte", "type-5", "type-0", "no-base", "outside"],
)  # fmt: skip
def test_what_tools_refuse_is_told_and_leaves_nothing(
    store: ObjectStore, remote: Remote, engine: Engine, tmp_path: Path, bad: Entry
) -> None:
    hands = Hands()
    head = hands.repository(hands.component())
    remote.refs, remote.pack = [(MAIN, head)], write_pack(tmp_path, [*hands.entries, bad]).read_bytes()
    try:
        mirror(store, remote.url, engine=engine)
    except CkstoreError:
        assert nothing_is_left(store)
    else:  # libgit2 lets some through: then releases are copied, and nothing else
        assert isinstance(engine, LibraryGit)
        assert not store.has(bad.name)
        source = store.view().source("r")
        assert source is not None
        assert source.history == 0


@stands_for(75)
def test_a_remote_that_talks_without_end_is_stopped(
    store: ObjectStore, remote: Remote, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (stock_git, library_git):
        monkeypatch.setattr(module, "MAX_SAID_BYTES", 1 << 20)
    remote.capabilities = b"ofs-delta side-band-64k"
    remote.answer = endless(NAK, band(2, b"x" * 60_000 + b"\n"))
    with pytest.raises(Unavailable) as caught:
        mirror(store, remote.url, engine=engine)
    assert isinstance(engine, LibraryGit) or caught.value.code == "remote-too-large"
    assert nothing_is_left(store)


@stands_for(75)
def test_a_remote_that_falls_silent_is_left(
    store: ObjectStore, remote: Remote, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_git, "_IDLE_SECONDS", 0.3)
    monkeypatch.setattr(pygit2.settings, "server_timeout", 300)  # milliseconds

    def silent(handler: object) -> None:
        remote.closed.wait(30)

    remote.answer = silent
    with pytest.raises(Unavailable) as caught:
        mirror(store, remote.url, engine=engine)
    assert caught.value.code in ("transfer-stalled", "transfer-cut", "host-unreachable")
    assert nothing_is_left(store)


@stands_for(75)
def test_a_pack_without_end_is_stopped(
    store: ObjectStore, remote: Remote, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (stock_git, library_git):
        monkeypatch.setattr(module, "MAX_PACK_BYTES", 1 << 20)
    noise = write_pack(store.path / "noise", [Entry(BLOB, bytes(range(256)) * 400, packed=b"")])
    header = noise.read_bytes()[:12]
    noise.unlink()
    noise.with_suffix(".idx").unlink()
    raw = Entry(BLOB, pygit2.__file__.encode() * 50_000).encode()
    remote.answer = endless(NAK + header[:8] + struct.pack(">I", 2**31), raw)
    with pytest.raises(CkstoreError):
        mirror(store, remote.url, engine=engine)
    assert nothing_is_left(store)


@stands_for(75)
def test_a_bundle_that_a_server_names_is_not_fetched() -> None:
    assert "transfer.bundleURI=false" in stock_git._SETTINGS


def test_a_remote_is_read_when_it_plays_fair(store: ObjectStore, remote: Remote, engine: Engine) -> None:
    assert mirror(store, remote.url, engine=engine).total == 2

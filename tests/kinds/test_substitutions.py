from __future__ import annotations

import pytest

from ckstore.errors import InvalidInput, Unsupported
from ckstore.kinds.module.program.substitute import Places, expand_variables, fill

PLACES = Places("./a.out", "../", "../../@inputs/d/", ("a.pgm", "b.pgm"), {"dataset_number": "7"})


@pytest.mark.parametrize(
    ("line", "filled"),
    [
        ("$#BIN_FILE#$ $#dataset_path#$$#dataset_filename#$ -c", "./a.out ../../@inputs/d/a.pgm -c"),
        ("$#ONLY_BIN_FILE#$ $#dataset_filename_1#$", "a.out b.pgm"),
        ('"$#src_path#$data" $#dataset_number#$', '"../data" 7'),
        ("$#env1#$CK_JAVA_RT#$ $#env1#$X$#env2#$", "${CK_JAVA_RT#$ ${X}"),
        ("..$#dir_sep#$run$#script_ext#$ $<<VAR>>$", "../run.sh ${VAR}"),
        ("$<<>>$x", "${}x"),
        ("plain $HOME #$", "plain $HOME #$"),
    ],
)
def test_placeholders_of_ck_are_replaced(line: str, filled: str) -> None:
    assert fill(line, "ck", PLACES) == filled


@pytest.mark.parametrize(
    ("line", "filled"),
    [
        ("{bin} {dataset} {out}/x", "./a.out ../../@inputs/d/a.pgm ./x"),
        ("{bin} {dataset_dir} {src}/in", "./a.out ../../@inputs/d ../in"),
        ("awk '{{print $1}}' {dataset_number}", "awk '{print $1}' 7"),
        ("echo ${HOME}", None),
        ("{binary}", None),
    ],
)
def test_our_own_placeholders_are_replaced(line: str, filled: str | None) -> None:
    if filled is None:
        with pytest.raises(InvalidInput) as caught:
            fill(line, "native", PLACES)
        assert caught.value.code == "unknown-placeholder"
    else:
        assert fill(line, "native", PLACES) == filled


def test_our_own_placeholders_are_quoted_for_the_shell() -> None:
    places = Places(dataset="../in/", files=("a file; rm -r.txt",))
    assert fill("cat {dataset}", "native", places) == "cat '../in/a file; rm -r.txt'"


def test_a_placeholder_without_a_value_is_an_error_with_near_misses() -> None:
    with pytest.raises(InvalidInput, match="dataset_pth") as caught:
        fill("$#dataset_pth#$", "ck", PLACES)
    assert "did you mean dataset_path" in caught.value.hints[0]


def test_files_of_other_entries_are_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="another CK entry"):
        fill("$#ck_take_from_{0123456789abcdef}#$x", "ck", PLACES)


def test_variables_in_flags_become_their_values() -> None:
    assert expand_variables("$<<CK_EXTRA_LIB_M>>$ -lz$<<NONE>>$", {"CK_EXTRA_LIB_M": "-lm"}) == "-lm -lz"


def test_a_role_of_a_need_stands_for_the_software_that_was_found() -> None:
    tools = {"python": "/opt/my python/bin/python3", "java-rt": "/usr/bin/java", "bin": "/bin/other"}
    places = Places("./a.out", "../", extra={"python": "of the data set"}, tools=tools)
    filled = fill("{python} {src}/x.py {java-rt} {bin}", "native", places)
    assert filled == "'/opt/my python/bin/python3' ../x.py /usr/bin/java ./a.out"


def test_a_role_that_is_misspelt_names_its_near_misses() -> None:
    with pytest.raises(InvalidInput) as caught:
        fill("{pyton} x.py", "native", Places(tools={"python": "/usr/bin/python3"}))
    assert "did you mean python?" in caught.value.hints


def test_braces_that_are_the_shells_own_are_left_alone() -> None:
    assert fill("echo {1..3} {a,b} {{python}}", "native", Places()) == "echo {1..3} {a,b} {python}"

"""The shells: the scripts that ask ``ckstore __complete``, and how bash reads a line and breaks its words."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable

_BASH = """\
_ckstore_completion() {
    local line="${COMP_LINE:0:${COMP_POINT:-0}}" what="" before="" word
    if [[ -z $line ]]; then
        for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
            if [[ $word =~ ^[:=@]+$ || $before =~ ^[:=@]+$ ]]; then line+=$word; else line+=" $word"; fi
            before=$word
        done
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $what ]]; then what=$line; else COMPREPLY+=("$line"); fi
    done < <("${1:-ckstore}" __complete bash "$line" "$COMP_WORDBREAKS" 2>/dev/null)
    case $what in
        open) compopt -o nospace ;;
        files) compopt -o default ;;
        folders) compopt -o dirnames ;;
    esac 2>/dev/null
}
complete -o nosort -F _ckstore_completion ckstore 2>/dev/null || complete -F _ckstore_completion ckstore
"""
_ZSH = """\
#compdef ckstore

_ckstore() {
    local -a lines values shown
    local line blank=" "
    lines=("${(@f)$("${(Q)words[1]}" __complete zsh "${(@Q)words[1,CURRENT]}" 2>/dev/null)}")
    case $lines[1] in
        files) compset -P '--*='; _files; return ;;
        folders) compset -P '--*='; _files -/; return ;;
        open) blank="" ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\\t'*}")
        if [[ $line == *$'\\t' ]]; then shown+=("${line%$'\\t'}"); else shown+=("${line/$'\\t'/  -- }"); fi
    done
    (( $#values )) && compadd -V ckstore -S "$blank" -l -d shown -a values
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _ckstore "$@"
else
    compdef _ckstore ckstore
fi
"""
_FISH = """\
function __ckstore_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($before[1] __complete fish $before "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current")
        case folders
            __fish_complete_directories (string replace -r -- '^--[^=]*=' '' "$current")
        case '*'
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c ckstore -f -a '(__ckstore_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:@=+%/^~-[]")
_BREAKS = " \t\n\"'><=;|&(:"  # what bash has when nothing is set


def split_line(line: str) -> tuple[list[str], str]:
    """(words, the quote that the last one is still in) of a line of bash; expansions are left as they are."""
    words: list[str] = []
    word, quote, begun = "", "", False
    letters = iter(line)
    for letter in letters:
        if letter == "\\" and quote != "'":
            word, begun = word + next(letters, ""), True
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter in "\"'":
            quote, begun = letter, True
        elif letter.isspace():
            words, word, begun = [*words, *([word] if begun else [])], "", False
        else:
            word, begun = word + letter, True
    return [*words, word], quote


def fitting(texts: Iterable[str], current: str, quote: str, breaks: str) -> list[str]:
    """What bash is to put in place of what it takes for the last word, each safe to be typed.

    Bash breaks words at ``breaks``, unless they are quoted, and replaces only what follows.
    """
    if quote:
        return [text for text in texts if not set(text) & set("\"'\\$`!")]
    kept = max((current.rfind(mark) for mark in breaks or _BREAKS), default=-1) + 1
    return [_escaped(text[kept:]) for text in texts]


def _escaped(text: str) -> str:
    if _PLAIN.issuperset(text):
        return text
    return "".join(c if c in _PLAIN or c.isalnum() else f"\\{c}" for c in text)

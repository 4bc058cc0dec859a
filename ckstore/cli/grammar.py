"""The commands with their arguments and options, for completion; ``python -m tests.cli.declared`` writes it.

A test compares it with what the commands declare; those that have a quick door declare their options in
:mod:`ckstore.cli.options`, which completion reads.
"""

# ruff: noqa: E501 -- a table, one row an option
from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    Option = tuple[tuple[str, ...], str, str]  # flags, sort of the value (empty: none), help
    Entry = tuple[str, tuple[str, ...], tuple[Option, ...]]  # help, sorts of arguments (*: many), options

# fmt: off
GRAMMAR: dict[str, Entry] = {
    'add': ('Add a folder of components to the store.', ('folders',), ()),
    'mirror': ('Mirror git repositories with all their releases.', ('folders*',), (
        (('--name',), 'word', "What to call the source, instead of the repository's name."),
        (('--update',), '', 'Bring sources up to date: those named, or all.'),
        (('--match',), 'word', 'Of an owner, repositories with such a name.'),
        (('--topic',), 'word', 'Of an owner, those with this topic.'),
        (('--forks',), '', 'Of an owner, forks as well.'),
        (('--archived', '--no-archived'), '', 'Of an owner, archived ones (default: yes).'),
        (('--deps',), '', 'Mirror what the repositories say that they need, too.'),
        (('--at',), 'word', 'With --deps: where those named without address are.'),
        (('--jobs',), 'word', 'How many at once.'),
        (('--wait',), 'word', "How long to wait for a forge's limit of requests; 0: not at all."),
        (('--dry-run',), '', 'Only list what would be mirrored.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'find': ('Find components by name, tags or text.', ('query*',), ()),
    'show': ('Show a component or a run.', ('component',), ()),
    'lock': ('Pin what a workflow needs in ckstore.lock.', ('component*',), (
        (('--check',), '', 'Change nothing; fail if the lock is not up to date.'),
        (('--install-merge-driver',), '', 'Let git merge locks with `ckstore merge-lock`, here.'),
        (('--group',), 'word', 'Add the requirements to this group of ckstore.toml.'),
        (('--project',), 'folders', "The project's folder, instead of this one."),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'update': ('Take newer releases into ckstore.lock.', ('component*',), (
        (('--precise',), 'word', 'Take the one REFERENCE to this version (or tag).'),
        (('--dry-run',), '', 'Show what would change, and write nothing.'),
        (('--try',), '', 'Try recorded runs first; leave out what breaks them.'),
        (('--project',), 'folders', "The project's folder, instead of this one."),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'outdated': ('List the pins of a lock that have newer releases.', (), (
        (('--lock',), 'files', 'The lock to read, instead of that of the project here.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'tree': ('Show what a lock holds, and what asked for it.', ('component*',), (
        (('--invert', '-i'), '', 'Below each component, who asked for it.'),
        (('--lock',), 'files', 'The lock to read, instead of that of the project here.'),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'why': ('Say why a lock pins a component.', ('component',), (
        (('--lock',), 'files', 'The lock to read, instead of that of the project here.'),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'verify': ('Check that everything a lock names is here, to the byte.', ('files',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'run': ('Run an action of a component against its lock.', ('component*',), (
        (('--keep',), '', 'Keep the workspace and say where it is.'),
        (('--relock',), '', 'Outside of a project: lock anew instead of using the kept lock.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'runs': ('List what was run.', (), (
        (('-n', '--limit'), 'word', 'How many runs; 0: all.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'replay': ('Run a recorded run again and compare.', ('last',), (
        (('--keep',), '', 'Keep the workspace and say where it is.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'bisect': ('Name the release that broke what worked.', ('word*',), (
        (('--good',), 'files', 'A lock with which it works.'),
        (('--bad',), 'files', 'A later one with which it does not.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'sources': ('List the sources in the store.', ('source*',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'log': ('List what was published, or tell the story of a component.', ('component',), (
        (('-n', '--limit'), 'word', 'How many; 0: all.'),
        (('--verify',), '', 'Of operations: say who signed each, and fail for a bad one.'),
        (('--signers',), 'files', "With --verify: the list of allowed signers, instead of the one of the store's settings."),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'diff': ('Show what changed between two releases, or two locks.', ('component', 'component'), (
        (('-p', '--patch'), '', 'The text difference of the files, too.'),
        (('--markdown',), '', 'Of two locks: as Markdown, for a review.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'needs': ('Show what a component needs, and what answers it.', ('component',), (
        (('--all', '-a'), '', 'To the end, as a tree.'),
        (('--depth',), 'word', 'At most N steps far.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'needed-by': ('Show who needs a component, in any source.', ('component',), (
        (('--all', '-a'), '', 'To the end, as a tree.'),
        (('--depth',), 'word', 'At most N steps far.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'impact': ('Show who would lose what they need if a release became another.', ('component', 'component'), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'ck': ('Answer a command of Collective Knowledge.', ('word*',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
    )),
    'check': ('Check a source or a working folder, as a lint does.', ('source',), (
        (('--ignore',), 'word', 'Do not tell this rule, or not of NAME.'),
        (('--fail-on',), 'error|warning|note|never', 'Exit with 1 when something weighs so much.'),
        (('--notes',), '', 'Show notes, too.'),
        (('--sarif',), 'files', 'Write SARIF 2.1.0, too.'),
        (('--alone',), '', 'Check a FOLDER by itself, without the store.'),
        (('--source',), 'source', 'The source in the store that a FOLDER is of.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'yank': ('Hide a release from new locks; existing ones keep it.', ('component',), (
        (('--reason',), 'word', 'Why; shown to everybody who has it locked.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'unyank': ('Let a yanked release be chosen again.', ('component',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'undo': ('Take back what an operation published.', ('word',), (
        (('--dry-run',), '', 'Only say what would be taken back.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'export': ('Write a lock with everything it names as one file.', ('files*',), (
        (('--format',), 'bundle|json|cyclonedx|sources', 'What to write: everything, or the lock alone, as JSON, CycloneDX or a script for git.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'vendor': ('Lay out what a lock names as plain files with digests.', ('folders',), (
        (('--replace',), '', 'Replace what was vendored there before.'),
        (('--lock',), 'files', 'The lock to read, instead of that of the project here.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'checkout': ('Lay out what a lock names as a folder to work in.', ('folders',), (
        (('--lock',), 'files', 'The lock to read, instead of that of the project here.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'import': ('Take a file of `ckstore export` into the store.', ('files',), (
        (('--lock',), 'files', 'Write the lock that FILE holds to PATH.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'pull': ('Take over what another store published.', ('folders',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'push': ('Let another store have what this one has.', ('folders',), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'serve': ('Serve the store as a git remote.', (), (
        (('--git',), '', 'As a git remote, too.'),
        (('--host',), 'word', 'The address to listen on.'),
        (('--port',), 'word', '0: any free one.'),
        (('--writable',), '', 'Take pushes of other stores, too.'),
        (('--verbose', '-v'), '', 'Tell every request.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'fsck': ('Check the store.', (), (
        (('--repair',), '', 'Mend what can be mended; damaged files are kept aside.'),
        (('--from',), 'folders', 'With --repair: another store, or a git repository, to take good copies from.'),
        (('--back-to',), 'word', 'With --repair, for a log that cannot be mended: go back to its newest whole operation.'),
        (('--signers',), 'files', 'Judge the signatures of the log by this list of allowed signers (see ssh-keygen).'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'gc': ('Remove what nothing needs any more.', (), (
        (('--dry-run',), '', 'Only say what would be removed, and how much that is.'),
        (('--grace',), 'word', 'Leave alone what was needed or used within this time.'),
        (('--verbose', '-v'), '', 'Name every item.'),
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'merge-lock': ('Merge two locks, as git asks its drivers to.', ('files', 'files', 'files', 'folders'), (
        (('--store',), 'folders', "The store to use, instead of the project's or your own."),
        (('--json',), '', 'Print JSON instead of text.'),
    )),
    'completion': ('Print the completion script of a shell.', ('bash|zsh|fish',), ()),
}

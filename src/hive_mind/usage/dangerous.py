"""Commands that must not be taught: parsed by tree-sitter-bash, so that quotes, pipes and substitutions are seen.

Nothing is run and nothing expanded: `echo rm -rf /` is harmless here, `bash -c "rm -rf /"` is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hive_mind.bash_syntax import parse, walk

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST = 4
"""A script inside a script inside a script: what hides deeper than this is held back as it is."""
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "fish"})
_INTERPRETERS = _SHELLS | {"python", "python2", "python3", "perl", "ruby", "node", "php", "source", "."}
_DOWNLOADERS = frozenset({"curl", "wget", "fetch", "http", "https", "aria2c"})
_SENDERS = frozenset({"curl", "wget", "nc", "ncat", "netcat", "socat", "scp", "rsync", "ftp", "sftp", "telnet", "mail"})
_WRAPPERS = frozenset({
    "sudo", "doas", "env", "nohup", "nice", "ionice", "time", "command", "exec", "builtin", "xargs", "stdbuf",
    "setsid", "timeout", "busybox", "chroot",
})  # fmt: skip
_VALUED = {
    "sudo": "CDghpRrTtUu", "doas": "Cu", "env": "uCS", "nice": "n", "ionice": "cnp", "xargs": "aEeIiLlnPsd",
    "stdbuf": "ioe", "timeout": "ks",
}  # fmt: skip
"""Wrappers' one-letter options that take the next word."""
_UPLOADS = ("@", "-d", "-T", "-F", "--data", "--upload-file", "--post-file", "--form", "$(", "`")
_DISK = re.compile(r"/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk\d|mapper/|md\d|dm-\d)")
_ROOTS = re.compile(
    r"(?:/|~|\$HOME|\$\{HOME\}|/(?:bin|boot|dev|etc|home|lib|lib64|opt|proc|root|sbin|srv|sys|usr|var|Users|System)"
    r"|/(?:home|Users)/[^/]+|[A-Za-z]:[\\/]?)(?:/?\*?|/\.\*?|/\.)"
)
_CREDENTIALS = re.compile(
    r"(?:\.ssh/(?!known_hosts|config\b|.*\.pub\b)|id_(?:rsa|ed25519|ecdsa|dsa)\b(?!\.pub)|\.aws/credentials|\.netrc|\.npmrc"
    r"|\.pypirc|\.kube/config|\.docker/config\.json|\.git-credentials|/etc/shadow|/etc/passwd|\.gnupg|\.pgpass"
    r"|(?:^|/)\.env\b|\.bash_history|wallet\.dat|login\.keychain)"
)


def danger(command: str) -> str | None:
    """Say what is dangerous about a shell command, None where nothing is known to be."""
    return _script(command, 0)


def _script(text: str, depth: int) -> str | None:
    if depth > DEEPEST:
        return "hides a command too deep inside others to be looked at"
    for node in walk(parse(text)):
        if found := _look_at(node, text, depth):
            return found
    return None


def _look_at(node: Node, text: str, depth: int) -> str | None:
    if node.type == "command":
        return _command(_words(node), depth)
    if node.type == "pipeline":
        return _pipeline(node)
    if node.type == "function_definition":
        return _fork_bomb(node)
    if node.type == "redirected_statement":
        return _redirect(node)
    return None


def _command(words: list[str], depth: int) -> str | None:
    """Look at one command, whatever runs it (`sudo`, `env X=1`, `xargs`)."""
    words = _unwrapped(words)
    if not words:
        return None
    if _fetches(words[0]):
        return "runs what it downloads"
    name, arguments = words[0].rpartition("/")[2], words[1:]
    flags = "".join(word[1:] for word in arguments if re.fullmatch(r"-[A-Za-z]+", word))
    operands = [word for word in arguments if not word.startswith("-")]
    if name in _SHELLS and "c" in flags and operands:
        return _script(operands[0], depth + 1)
    if name == "eval":
        return _script(" ".join(arguments), depth + 1)
    if name in _INTERPRETERS | {"eval"} and any(_fetches(word) for word in arguments):
        return "runs what it downloads"
    return _by_name(name, flags, arguments, operands)


def _by_name(name: str, flags: str, arguments: Sequence[str], operands: Sequence[str]) -> str | None:
    long = [word for word in arguments if word.startswith("--")]
    recursive = "r" in flags or "R" in flags or "--recursive" in long
    at_root = any(_ROOTS.fullmatch(word) for word in operands)
    if name == "rm" and ((recursive and at_root) or "--no-preserve-root" in long):
        return "deletes a whole system, a home or a folder of the system"
    if name == "find" and at_root and ("-delete" in arguments or _finds_rm(arguments)):
        return "deletes what it finds in a whole system, a home or a folder of the system"
    if name in ("chmod", "chown", "chgrp") and recursive and at_root:
        return "changes permissions or owners of a whole system, a home or a folder of the system"
    if name == "mkfs" or name.startswith("mkfs.") or name in ("mke2fs", "mkswap", "wipefs", "blkdiscard"):
        return "formats a disk"
    if name == "dd" and any(word.startswith("of=") and _DISK.match(word[3:]) for word in operands):
        return "writes over a disk"
    if name in ("shred", "tee", "cp", "mv", "sgdisk", "parted", "fdisk") and any(map(_DISK.match, operands)):
        return "writes over a disk"
    if name == "mv" and operands[1:] and operands[-1] == "/dev/null":
        return "moves files to where they are lost"
    if name in _SENDERS and _sends_credentials(name, arguments):
        return "sends credentials away"
    if name == "crontab" and "r" in flags:
        return "removes all scheduled jobs"
    if name == "kill" and "-1" in arguments[-1:] and len(arguments) > 1:
        return "kills every process"
    return None


def _finds_rm(arguments: Sequence[str]) -> bool:
    return any(word in ("-exec", "-execdir", "-ok") and after == "rm" for word, after in pairwise(arguments))


def _sends_credentials(name: str, arguments: Sequence[str]) -> bool:
    """An upload that names a file of credentials; `-i ~/.ssh/id_ed25519` only uses one."""
    web = name in ("curl", "wget")
    using = ("--cert", "--key", "-E", "--netrc-file", "-K") if web else ("-i", "-o", "-F", "-e")
    used = {position + 1 for position, word in enumerate(arguments) if word in using}
    sent = [word for position, word in enumerate(arguments) if position not in used]
    if web:
        uploads = any(mark in word for word in arguments for mark in _UPLOADS)
        return uploads and any(_CREDENTIALS.search(word) for word in sent)
    remote = any(":" in word for word in sent) or name in ("nc", "ncat", "netcat", "telnet", "mail")
    return remote and any(_CREDENTIALS.search(word) for word in sent)


def _pipeline(node: Node) -> str | None:
    """`curl ... | sh` runs what nobody has read; `cat ~/.ssh/id_rsa | nc host` sends it away."""
    stages = [_unwrapped(_words(command)) for command in walk(node) if command.type == "command"]
    names = [words[0].rpartition("/")[2] if words else "" for words in stages]
    for position, name in enumerate(names):
        before = names[:position]
        if name in _INTERPRETERS and _reads_program(stages[position]):
            if any(earlier in _DOWNLOADERS for earlier in before):
                return "runs what it downloads"
            if any(earlier in ("base64", "xxd", "rev") for earlier in before):
                return "runs what it has hidden in another spelling"
        secret = any(_CREDENTIALS.search(word) for words in stages[:position] for word in words[1:])
        if secret and name in _SENDERS | {"ssh"}:
            return "sends credentials away"
    return None


def _reads_program(words: Sequence[str]) -> bool:
    """Tell whether an interpreter takes its program from standard input: it is given none."""
    return all(word.startswith("-") and word not in ("-c", "-e", "-m") for word in words[1:])


def _redirect(node: Node) -> str | None:
    for child in node.children:
        if child.type == "file_redirect" and any(_DISK.match(_plain(part)) for part in child.children if part.is_named):
            return "writes over a disk"
        if child.type == "herestring_redirect" and any(_fetches(_plain(part)) for part in child.children):
            return "runs what it downloads"
    return None


def _fork_bomb(node: Node) -> str | None:
    """A function that pipes itself into itself in the background."""
    name = node.child_by_field_name("name")
    body = node.child_by_field_name("body")
    if name is None or body is None:
        return None
    own = _plain(name)
    called = [_words(inner) for inner in walk(body) if inner.type == "command"]
    return "starts itself without end" if sum(words[:1] == [own] for words in called) > 1 else None


def _unwrapped(words: list[str]) -> list[str]:
    """Return a command without what runs it: `sudo -u root env A=1 rm` is `rm`."""
    while words and (name := words[0].rpartition("/")[2]) in _WRAPPERS:
        words, valued = words[1:], _VALUED.get(name, "")
        while words and (words[0].startswith("-") or (name == "env" and "=" in words[0])):
            takes_value = len(words[0]) == 2 and words[0][1:] in valued
            words = words[2:] if takes_value else words[1:]
        if name in ("timeout", "chroot"):
            words = words[1:]  # its duration, its folder
    return words


def _fetches(word: str) -> bool:
    """Tell whether a word is a substitution that downloads: `$(curl ...)`, `<(wget ...)`."""
    match = re.match(r"""["']?(?:\$\(|<\(|`)\s*(?:sudo\s+)?([\w./-]+)""", word)
    return match is not None and match[1].rpartition("/")[2] in _DOWNLOADERS


def _words(command: Node) -> list[str]:
    """Return a command's name and arguments, without quotes; assignments before it and redirections are left out."""
    kept = [child for child in command.children if child.is_named and child.type not in _NOT_WORDS]
    return [_plain(child) for child in kept]


_NOT_WORDS = frozenset({
    "variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect", "comment",
})  # fmt: skip


def _plain(node: Node) -> str:
    """Return what a word says: the quotes around it and around its parts taken off."""
    text = (node.text or b"").decode(errors="replace")
    if node.type in ("command_name", "concatenation") and node.children:
        return "".join(_plain(child) for child in node.children)
    if node.type in ("string", "raw_string") and len(text) >= 2:
        return text[1:-1].replace('\\"', '"') if node.type == "string" else text[1:-1]
    return text.replace("\\", "") if node.type == "word" else text

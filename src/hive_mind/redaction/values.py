"""Whether what stands behind a telling name is a secret, a reference to one, or an obvious stand-in."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"<SECRET:([a-z0-9_]+):(\d+)>")
"""What a redacted value becomes. It is never redacted again."""

_REFERENCE = re.compile(
    r"""[$%]\w*[({\[]?      # $TOKEN, ${TOKEN}, $(cat file), %TOKEN%
    |[<\[(*`]               # <token>, [token], (token), `cat file`, ****
    |\{(?![\w+/=]{20,}\}$)   # {token}, {{ token }}, but not what Maven encrypted
    |[:?@]\w*$              # :token and @token of SQL
    |[&!]\w+$               # anchors and tags of YAML
    |\w+:/{2,}              # a URL, whose own secrets are found by other rules
    """,
    re.VERBOSE,
)
_FORMAT_FIELD = re.compile(r"\$\{|\{\{|\$\(|#\{|%\(\w+\)s|\{\w*\}|%s|<\w[\w -]*>|\.\.\.|…|\*\*\*")
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*(?:\(|\[|->|::)|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*(?:$|[),;:])")
_PATH = re.compile(
    r"(?:~|\.{1,2}|[A-Za-z]:)?[\\/](?:[\w.\- ]+[\\/])*[\w.\-]*"
    r"|[\w\-/.]+\.(?:pem|key|crt|cer|json|ya?ml|txt|env|ini|toml|p12|jks|gpg|pub)"
)
_RUN = re.compile(
    r"(.)\1{2,}|0?12345678?9?0?|0?1234?5?6?7?|9?87654?3?2?1?|abcd?e?f?g?h?|qwert[yz]?u?i?o?p?|asdf\w?|[zy]xcv\w?"
    r"|1q2w3e\w*|deadbeef|cafebabe"
)
_WORDS = re.compile(
    "p[a@4][s$5][s$5](?:w[o0]r[dt]|wd|phrase|code)?s?|secrets?|tokens?|api[_-]?keys?|access|auth(?:entication|orization)?"
    "|credentials?|private|public|bearer|change[_-]?(?:me|it|this)|replace|insert|enter|placeholder|examples?|samples?"
    "|dummy|fake|test(?:ing|user)?|demo|default|none|null|undefined|todo|fixme|redacted|hidden|masked|removed"
    "|user(?:name)?|admin(?:istrator)?|root|guest|hello|world|foo|bar|baz|value|string|text|something|strong|secure|super"
    "|very|letmein|welcome|monkey|dragon|qwerty|postgres(?:ql)?|mysql|mariadb|mongo(?:db)?|redis|rabbit(?:mq)?|docker"
    "|localhost|development|production|staging|encrypted|decrypted|encoded|decoded|hash(?:ed)?|plain|random|generated"
    "|unique|actual|wrong|right|correct|invalid|valid|incorrect|same|other|first|second|last|name|your|their|some|this"
    "|that|here|goes|with|client|server|consumer|app(?:lication)?|service|account|database|login|signin|session|cookie"
    "|data|info|key|my|the|new|old|xxx+|yyy+|zzz+|id|db"
)
"""What stand-ins for secrets are made of."""


def is_reference(value: str) -> bool:
    """Tell whether a value points at a secret that is kept elsewhere, or leaves room for one."""
    return bool(
        not value
        or PLACEHOLDER.search(value)
        or _REFERENCE.match(value)
        or _FORMAT_FIELD.search(value)
        or _PATH.fullmatch(value)
    )


def is_expression(value: str) -> bool:
    """Tell whether an unquoted value is code: a call, an element, an attribute (`os.environ[...]`, `args.token`)."""
    return bool(_EXPRESSION.match(value))


def residue(value: str) -> str:
    """Return what is left of a value without the words and runs that stand-ins are made of, letters and digits alone.

    "my-password123" leaves nothing, "Tr0ub4dor&3" leaves "tr0ub4dor3".
    """
    left = _RUN.sub("", _WORDS.sub("", value.lower()))
    return "".join(filter(str.isalnum, left))


def classes(value: str) -> int:
    """Return how many of these a value has: lower case, upper case, digits, other characters."""
    tests = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(map(test, value)) for test in tests)


def is_firm_secret(value: str, kind: str) -> bool:
    """Tell whether a value is a secret where nothing but a secret is put: settings, headers, command options.

    `kind` is what the name announces: a password may be a plain word, a token or key may not.
    """
    left = residue(value)
    if is_reference(value) or len(left) < 4:
        return False
    if left.isalpha():
        return len(left) >= (6 if kind == "password" else 16) and not _is_word_list(value)
    return len(value) >= (5 if kind == "password" else 8)


def is_quoted_secret(value: str, kind: str) -> bool:
    """Tell whether a literal in code or JSON is a secret: example code is full of values that are none."""
    left = residue(value)
    if is_reference(value) or len(left) < 5:
        return False
    if left.isalpha() or left.isdigit():
        mixed = kind == "password" and classes(value) >= 3 and len(left) >= 8
        return (len(left) >= 16 or mixed) and " " not in value and not _is_word_list(value)
    if " " in value and (kind != "password" or value.count(" ") > 3):
        return False
    return len(value) >= (6 if kind == "password" else 12) and classes(value) >= 2


def looks_random(value: str, least: int = 16) -> bool:
    """Tell whether a value is long and mixed enough to be made by a machine."""
    left = residue(value)
    digits = sum(map(str.isdigit, left))
    return len(left) >= least and 0 < digits < len(left) and is_varied(left) and not is_reference(value)


def is_varied(value: str, least: int = 8) -> bool:
    """Tell a token from a row of x: it has at least `least` different characters, where it is that long."""
    return len(set(value)) >= min(least, max(5, len(value) - 2))


def _is_word_list(value: str) -> bool:
    """Tell `some_variable_name` and `SomeClassName` from letters without any sense."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", value)
    return len(parts) > 1 and sum(map(len, parts)) / len(parts) >= 3.5

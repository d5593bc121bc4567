"""Secrets that their place gives away: headers, addresses, command options, files of passwords, SQL, plain sentences.

All patterns are read without regard to case, and with white space in them as layout (`[ ]` stands for a space).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from hive_mind.redaction.named import kind_under
from hive_mind.redaction.rules import Rule, Span
from hive_mind.redaction.values import is_expression, is_firm_secret, is_quoted_secret, looks_random

Judge = Callable[[str], bool]


def _is_password(value: str) -> bool:
    return is_firm_secret(value, "password")


def _is_literal(value: str) -> bool:
    return is_quoted_secret(value, "password")


def _is_token(value: str) -> bool:
    return is_firm_secret(value, "token") and looks_random(value, 8)


def _is_long_token(value: str) -> bool:
    return looks_random(value, 12)


def _is_basic(value: str) -> bool:
    """Tell whether a value is a user and a password as basic authentication encodes them."""
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in decoded and decoded.isprintable()


def _is_spoken(value: str) -> bool:
    """Tell whether a word of a sentence is a password: it mixes letters with digits, and capitals or signs."""
    return (
        is_quoted_secret(value, "password")
        and looks_random(value, 6)
        and bool(re.search(r"[A-Z]|\W|_", value))
        and not is_expression(value)
    )


def _rule(kind: str, judge: Judge, needles: str, pattern: str) -> Rule:
    """Return a rule whose pattern has a group `value`, of which the judge says whether it is a secret.

    Needles are separated by `|`.
    """
    compiled = re.compile(pattern, re.IGNORECASE | re.VERBOSE)
    return Rule(kind, compiled, tuple(needles.split("|")), "value", lambda match: judge(match["value"]))


_WORD = r"(?P<quote>[\"'])? (?P<value> (?(quote) (?:(?!(?P=quote))[^\n])+ | [^\s\"'|;&<>]+ ))"
"""A word of a command line, with or without quotes."""
_ARGUMENTS = r"[^|;&\n]{0,200}?\s"
_TEXT = r"[\"'][^\"'\n]*[\"']"
_LITERAL = r"[\"'](?P<value>[^\"'\n]+)[\"']"

HEADERS = [
    _rule("auth", _is_basic, "basic", r"\b basic [ ]+ (?P<value>[A-Za-z0-9+/]{6,}={0,2})"),
    _rule("auth", _is_basic, '"auth"', r"\"auth\" \s*:\s* \"(?P<value>[A-Za-z0-9+/]{6,}={0,2})\""),
    _rule(
        "token", _is_token, "bearer|token|apikey|api-key|key|negotiate|bot",
        r"""\b (?:bearer|token|apikey|api-key|key|negotiate|bot) [ ]+ (?:token=)? ["']?
            (?P<value>[A-Za-z0-9_.~+/=:-]{16,})""",
    ),
    _rule(
        "token", _is_token, "authorization",
        r"""authorization ["']? \s*[:=,]\s* ["']? (?! (?:basic|digest|aws4) \b) (?:[A-Za-z-]+[ ]+)? (?:token=)? ["']?
            (?P<value>[^\s"',;<>{}$]{8,})""",
    ),
    _rule(
        "session", _is_long_token, "curl",
        rf"\b curl \b {_ARGUMENTS} (?:-b|--cookie) [ ]+ [\"']? [\w.-]+=(?P<value>[^\s\"';]+)",
    ),
]  # fmt: skip

ADDRESSES = [
    _rule(
        "password", _is_password, "://",
        r":// [^\s/?\#@:\"'<>]* : (?P<value>[^\s/\"'<>]{1,256}) @ (?=[\w.\[$%{-])",
    ),
    _rule(
        "token", _is_long_token, "://",
        r":// (?P<value>[^\s/?\#@:\"'<>]{16,256}) (?: : [^\s/?\#@\"'<>]* )? @ (?=[\w.\[-])",
    ),
    _rule(
        "key", _is_long_token, "key=|appid=|app_id=|code=",
        r"[?&] (?:key|appid|app_id|app_key|code|subscription-key) = (?P<value>[^\s\"'&\#<>]{16,})",
    ),
    _rule("auth", _is_long_token, "sig=|signature=", r"[?&;] [\w-]* sig(?:nature)? = (?P<value>[^\s\"'&\#<>]{20,})"),
    _rule("password", _is_password, "@tcp(|@udp(|@unix(", r"[\w.-]+ : (?P<value>[^\s@\"'/]+) @ (?:tcp|udp|unix) \("),
    _rule(
        "password", _is_password, "oracle:|sqlplus",
        r"(?:oracle:\w+:|sqlplus \s+ (?:-\w+\s+)*) \w+ / (?P<value>[^\s@\"']+) @",
    ),
]  # fmt: skip

OPTIONS = [
    _rule("password", _is_password, "mysql|mariadb", rf"\b (?:mysql\w*|mariadb[\w-]*) \b {_ARGUMENTS} -p {_WORD}"),
    _rule("password", _is_password, "sshpass", rf"\b sshpass \s+ -p \s* {_WORD}"),
    _rule("password", _is_password, "redis-cli", rf"\b redis-cli \b {_ARGUMENTS} (?:-a|--pass) [ ]+ {_WORD}"),
    _rule(
        "password", _is_password, "login|twine|mongo",
        rf"""\b (?: (?:docker|podman|registry|az|oc|cf|skopeo|crane) \s+ login | twine \s+ upload | mongo\w* ) \b
             {_ARGUMENTS} -p [ =]+ {_WORD}""",
    ),
    _rule("password", _is_password, "az ", rf"\b az \s+ \w {_ARGUMENTS} -p [ ]+ {_WORD}"),
    _rule(
        "password", _is_password, "hydra|medusa|ncrack|sqlcmd|bcp|ipmitool|mosquitto|winrm|crackmapexec|netexec",
        rf"""\b (?:hydra|medusa|ncrack|sqlcmd|bcp|ipmitool|mosquitto_\w+|evil-winrm|crackmapexec|netexec) \b
             {_ARGUMENTS} -[pP] [ ]* {_WORD}""",
    ),
    _rule(
        "password", _is_password, "curl|http|xh |wget",
        rf"""\b (?:curl|http|xh|wget) \b {_ARGUMENTS} (?:-u|--user|--proxy-user|-U|-a|--auth) [ =]* ["']? [^\s"':]* :
             (?P<value>[^\s"'|;&<>]+)""",
    ),
    _rule("password", _is_password, "sudo", rf"\b sudo \s+ (?:-\w+\s+)* -S \b [^\n]*? <<< \s* {_WORD}"),
    _rule("password", _is_password, "pass:", r"-pass(?:in|out)? \s+ [\"']? pass: (?P<value>[^\s\"']+)"),
    _rule(
        "password", _is_password, "zip|7z",
        rf"(?<![\w./-]) (?: (?:zip|unzip) \b {_ARGUMENTS} (?-i:-P) \s* | 7z[ar]? \b {_ARGUMENTS} -p (?=\S) ) {_WORD}",
    ),
    _rule(
        "password", _is_password, "-u",
        r"\b (?:smb\w+|rpcclient|net) \b [^|;&\n]{0,200}? -U [ ]* [\"']? [^\s\"'%]+ % (?P<value>[^\s\"']+)",
    ),
    _rule(
        "password", _is_password, "lftp",
        r"\b lftp \b [^|;&\n]{0,100}? -u [ ]* [\"']? [^\s,]+ , (?P<value>[^\s\"']+)",
    ),
    _rule(
        "password", _is_password, "htpasswd",
        rf"\b htpasswd \s+ -\w*b\w* \s+ (?:\S+\s+){{1,2}}? [\w.@-]+ \s+ {_WORD}",
    ),
    _rule("password", _is_password, "ldap", rf"\b ldap\w+ \b {_ARGUMENTS} -w [ ]* {_WORD}"),
    _rule("password", _is_password, "ssh-keygen", rf"\b ssh-keygen \b {_ARGUMENTS} (?-i:-[NP]) [ ]+ {_WORD}"),
    _rule(
        "secret", _is_password, "secret",
        rf"\b secrets? \s+ set \b {_ARGUMENTS} (?:--body|--value|-b) [ =]+ {_WORD}",
    ),
]  # fmt: skip
"""Options of commands; all are written ` -x` or ` --x`."""

COMMANDS = [
    _rule("password", _is_password, "nmcli", rf"\b nmcli \b {_ARGUMENTS} password [ ]+ {_WORD}"),
    _rule(
        "password", _is_password, "sudo|-stdin|-fd|secret",
        rf"""\b (?:echo|printf) \s+ (?:-n\s+ | ["']%s(?:\\n)?["']\s+)? {_WORD} ["']? \s*\|\s*
             (?: sudo \s+ (?:-\w+\s+)* -S | \w[\w-]*\s [^|;&\n]* (?: --(?:password|passphrase|token)-(?:stdin|fd)
             | \b secrets? \s+ (?:set|put|create) ))""",
    ),
    _rule(
        "password", _is_password, "chpasswd",
        r"\b [\w.-]+ : (?P<value>[^\s\"']+) [\"']? \s*\|\s* (?:sudo\s+)? chpasswd",
    ),
    _rule("password", _is_password, "/p:|/pass", r"\s /p(?:ass(?:word)?)? : [\"']? (?P<value>[^\s\"']+)"),
    _rule("password", _is_password, "/user:", rf"\s /user:\S+ \s+ {_WORD}"),
    _rule(
        "password", _is_password, "add_user|change_password",
        rf"\b (?:add_user|change_password) \s+ \S+ \s+ {_WORD}",
    ),
    _rule(
        "password", _is_password, "securestring",
        rf"(?:ConvertTo-SecureString \s+ (?:-String\s+)? | SecureString \b [^\n]* --value [ =]+) {_WORD}",
    ),
    _rule("token", _is_long_token, "vault|doctl", rf"\b (?:vault\s+login | doctl\s+auth\s+init\s+-t) [ =]+ {_WORD}"),
    _rule(
        "token", _is_long_token, "fly|glab|hf |wandb|heroku|ngrok|vercel|netlify|snyk",
        rf"""\b (?:fly|flyctl|glab|hf|wandb|heroku|ngrok|vercel|netlify|snyk) \b [^|;&\n]{{0,60}}? \s
             (?:login|authtoken|add-authtoken|auth|-t|--auth|--relogin) [ =]+ {_WORD}""",
    ),
]  # fmt: skip


_COOKIES = re.compile(r"\bcookie[\"']?\s*[:=]\s*[\"']?(?P<pairs>[^\"'\n]{1,8000})", re.IGNORECASE)
_COOKIE = re.compile(r"[\w.-]+=(?P<value>[^\s;,]{12,})")


def find_cookies(text: str, lowered: str) -> Iterator[Span]:
    """Yield the values of a Cookie or Set-Cookie header that a machine made up; `lang=en` is none."""
    for header in _COOKIES.finditer(text) if "cookie" in lowered else ():
        for match in _COOKIE.finditer(text, *header.span("pairs")):
            if _is_long_token(match["value"]):
                yield Span(*match.span("value"), "session")


def _is_secret_variable(match: re.Match[str]) -> bool:
    return kind_under(match["name"], match["value"]) is not None


FILES = [
    _rule(
        "password", _is_password, "machine |login ",
        r"\b (?:login|machine) \s+ \S+ \s+ password \s+ (?P<value>\S+)",
    ),
    _rule(
        "password", _is_spoken, ":",  # .pgpass
        r": (?:\d{4,5}|\*) : [A-Za-z_*][\w*-]* : [\w*.-]+ : (?P<value>[^\s:\"']+) (?= \s* (?:\n|$))",
    ),
    _rule(
        "password", _is_password, "requirepass|masterauth|auth_pass|auth-pass",
        r"\b (?:requirepass|masterauth|auth[_-]pass(?:\s+[\w-]+)?) \s+ [\"']? (?P<value>[^\s\"']+)",
    ),
    _rule(
        "password", _is_password, "identified|password '",
        r"\b (?:identified \s+ (?:with\s+\w+\s+)? by | password) \s+ (?:password\s+)? '(?P<value>[^'\n]+)'",
    ),
    _rule(
        "password", _is_literal, "auth|login|credential",
        rf"""\b (?:auth|basic_auth|HTTPBasicAuth|login|authenticate|NetworkCredential|set_?credentials) \s*[=(:]\s*
             [(\[]? \s* {_TEXT} \s*,\s* {_LITERAL}""",
    ),
    _rule(
        "password", _is_literal, "pdo|mysqli|connect",
        rf"\b (?:PDO|mysqli(?:_connect)?|getConnection|connect) \( \s* [^,()\n]+ ,\s* {_TEXT} \s*,\s* {_LITERAL}",
    ),
    Rule(
        "password", re.compile(r'\bvariable\s+"(?P<name>[\w-]+)"\s*\{[^{}]*?\bdefault\s*=\s*"(?P<value>[^"\n]+)"'),
        ("variable",), "value", _is_secret_variable,
    ),
    _rule("private_key", _is_long_token, '"kty"', r"(?<=[{,\s]) \"d\" \s*:\s* \"(?P<value>[A-Za-z0-9_-]{32,})\""),
    Rule(
        "secret",
        re.compile(
            r"(?i:mnemonic|(?:seed|recovery)[ _-]?(?:phrase|words))[\"']?\s*(?:is|=|:)\s*[\"']?"
            r"(?P<value>(?:[a-z]{3,8}[ ,]+){11,23}[a-z]{3,8})\b"
        ),
        ("mnemonic", "seed", "recovery"), "value",
    ),
]  # fmt: skip

SENTENCES = [
    _rule(
        "password", _is_spoken,
        "password|passphrase|passwort|passcode|pw |pw:|pass |pass:|pin |pin:|token|secret|api key|api-key|apikey"
        "|credential",
        r"""\b (?:password|passphrase|passwort|passcode|pw|pass|pin|token|secret|api[ -]?key|credentials?) \b
            (?:[ ]+\w+){0,3}? (?: [ ]+ (?:is|are|was|to|as|be) | [ ]*: | [ ]*= ) [ ]* ["'`“]?
            (?: [\w.@-]+ [ ]? / [ ]? )?
            (?P<value>[^\s"'`“”<>]{6,64}?) (?= ["'`”] | [.,;:!?)]* (?:\s|$) )""",
    ),
]  # fmt: skip

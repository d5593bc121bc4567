"""What points at a person or a machine: e-mail addresses, IP addresses, the owners of home folders, card numbers.

Values that are reserved for documentation, and names that could be anybody's, stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from hive_mind.redaction.prefilter import holds_card, holds_home, holds_ipv4, holds_ipv6
from hive_mind.redaction.rules import Span

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(
    rf"(?<![\w.+%/@=-])(?P<local>[^\W_](?:[\w.+%-]{{0,62}}[\w+-])?)@(?P<domain>(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}})"
    r"(?![\w@-]|\.\w)"
)
_RESERVED_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|org|net|edu)|example\.co\.uk|example|test|invalid|localhost|local|lan|internal|home"
    r"|(?:your|my|our|some|any|other)[\w-]*\.[a-z]+|domain\.[a-z]+|domain\.\w+\.\w+)",
    re.IGNORECASE,
)
_ANYBODY = re.compile(
    r"git|hg|svn|user(?:name)?\d{0,2}|usr|root|admin|ubuntu|ec2-user|debian|centos|pi|vagrant|deploy|postgres|anonymous"
    r"|no-?reply|do-?not-?reply|nobody|(?:your|my|some|any|the)[\w.+-]*|name|e?mail|address|sender|recipient|receiver|from"
    r"|to|me|you|someone|somebody|test\w*|foo|bar|baz|abc|xyz|example|sample|demo|dummy|fake|x+|host|login|remote\w*",
    re.IGNORECASE,
)
_FILE_ENDING = re.compile(
    r"png|jpe?g|gif|svg|webp|ico|[cm]?js|jsx|tsx?|s?css|html?|json|xml|ya?ml|toml|md|txt|pyc?|rb|go|rs|java|php|c|h|[ch]pp|cs"
    r"|sh|bash|zip|t?gz|tar|bz2|xz|whl|jar|exe|dll|so|service|socket|timer|target|mount|slice|path|scope|device|swap|conf"
    r"|cfg|ini|log|lock|sql|csv|db|sqlite|pem|key|crt|class|value|length|name|get|set",
    re.IGNORECASE,
)
"""Endings of files and of systemd's units, whose names have an @ too."""


def find_emails(text: str) -> Iterator[Span]:
    """Yield the e-mail addresses of a text, those of nobody in particular left out."""
    for match in _EMAIL.finditer(text) if "@" in text else ():
        local, domain = match["local"], match["domain"]
        if (
            _RESERVED_DOMAIN.fullmatch(domain)
            or _ANYBODY.fullmatch(local)
            or _FILE_ENDING.fullmatch(domain.rpartition(".")[2])
        ):
            continue
        yield Span(match.start(), match.end(), "email")


_IPV4 = re.compile(r"(?:(?<=[\s\"']-[hH])|(?<![\w.]))\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d|-\w)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}|:)(?::[0-9A-Fa-f]{1,4}){0,6}(?![\w:]|\.\d)"
)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:version|ver|release|build|rev|upgrade|tag|v|section|step|chapter|clause)"
    r"|[=<>~!^]=|[\w]/|[\w)\]]-|\w_|[@#^~])"
    r"[\s:=\"'.(]*$",
    re.IGNORECASE,
)
_NO_VERSION = re.compile(r"(?:/dev/(?:tcp|udp)/|\w@|addr:?|(?:\w:)?//[^\s/]*)[\s]*$")
_NETWORKS = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3", "8.8.8.8/32", "8.8.4.4/32", "1.1.1.1/32", "1.0.0.1/32", "9.9.9.9/32", "208.67.222.222/32",
        "208.67.220.220/32",
    )
]  # fmt: skip
"""Loopback, link-local, documentation, multicast, and the public name servers that everybody knows."""
_ANY_NETWORK = frozenset({0, 1, 254, 255})
"""Last parts of the addresses that every private network has: itself, its gateway, its broadcast address."""


def find_addresses(text: str) -> Iterator[Span]:
    """Yield the IP addresses of a text; versions and section numbers look like them, times and MAC addresses do not."""
    for match in _IPV4.finditer(text) if holds_ipv4(text) else ():
        if _is_somebodys(match[0]) and not _is_version(text, match.start()):
            yield Span(match.start(), match.end(), "ip")
    for match in _IPV6.finditer(text) if holds_ipv6(text) else ():
        if _is_unicast(match[0]):
            yield Span(match.start(), match.end(), "ip")


def _is_somebodys(written: str) -> bool:
    parts = [int(part) for part in written.split(".")]
    if max(parts) > 255 or max(parts) < 10 or len(set(parts)) == 1:
        return False
    if any(len(part) > 1 and part[0] == "0" for part in written.split(".")):
        return False
    address = ipaddress.IPv4Address(written)
    if parts[3] == 0 or (address.is_private and parts[3] in _ANY_NETWORK):
        return False
    return not any(address in network for network in _NETWORKS)


def _is_version(text: str, start: int) -> bool:
    before = text[max(0, start - 24) : start]
    return bool(_VERSION_BEFORE.search(before)) and not _NO_VERSION.search(before)


def _is_unicast(written: str) -> bool:
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return False
    groups = [group for group in written.split(":") if group]
    documentation = address in ipaddress.IPv6Network("2001:db8::/32") or address in ipaddress.IPv6Network("3fff::/20")
    first = int(address) >> 112
    return len(groups) >= 3 and (0x2000 <= first < 0x4000 or 0xFC00 <= first < 0xFEC0) and not documentation


_HOME = re.compile(
    r"""(?:
        (?<![\w./~-]) (?:/(?:export|var|usr|data|mnt/\w+|System/Volumes/Data))? /home/
      | (?<![\w./-]) (?:/mnt/\w|/[A-Za-z]|[A-Za-z]:)? /Users/
      | (?<=:/)/ (?:/?home|Users)/                                              # file:///home/
      | (?<=:)/ (?:home|Users)/                                                 # host:/home/
      | \b [A-Za-z]: [\\/]{1,4} Users [\\/]{1,4}
    )
    (?P<value> [^\W\d][\w.-]{0,62} (?:[ ][A-Z][\w.-]{0,30}(?=[\\/]))? )""",
    re.VERBOSE,
)
_EVERYBODY = re.compile(
    r"\w*user(?:s|name)?\d{0,3}|(?:my|your|our|the|some|example|sample|test|foo|bar)[\w.-]*"
    r"|(?:new|old|other|second|dev|app|ci|web)?[_.-]?(?:name|home|dir(?:ectory)?|folder|path|acc(?:ount)?)\w*"
    r"|root|admin|administrator|ubuntu|debian|centos|fedora|opc|pi|vagrant|node|jovyan|runner|runneradmin|coder|codespace"
    r"|vscode|me|you|mine|baz|qux|abcd?|xyz|aa|aaa|alice|bob|guest|nobody|v?mail|pdfs?|archives?|web[_-]?server|website"
    r"|[A-Za-z]|shared?|public|default|lost\+found|linuxbrew|site|www\S*|wwwroot|git|svn|ftp|sftp|ssh\w*|mysql|postgres"
    r"|oracle|hadoop|spark|tomcat|jenkins|deploy(?:er)?|docker|apps?|nginx|apache|backups?|data\w*|tmp|temp|feeds?|logs?"
    r"|files?|docs?|documents|downloads?|projects?|workspace|work|repos?|src|code|dev|prod|staging|family|images?|pictures"
    r"|music|videos?|media|scripts?|bin|lib|etc|var|opt|server|index\S*|about|contact|login|dashboard|profile|settings"
    r"|page|main|blog|news|products?|demo|desktop|reports?\w*|\w*\.(?:html?|php|jsp|aspx?|js|css|json|txt|sh|py|md)"
    r"|somebody|someone|anyone|person|developer|student|sysadmin|operator|support|service|system|x+"
    r"|john|jane|joe|johndoe|jdoe\d?|jsmith",
    re.IGNORECASE,
)
"""Names of home folders that are nobody's own."""


def find_homes(text: str) -> Iterator[Span]:
    """Yield the names of the people whose home folders a text mentions: /home/NAME, /Users/NAME, C:\\Users\\NAME."""
    for match in _HOME.finditer(text) if holds_home(text) else ():
        name = match["value"].rstrip(".")
        if not _EVERYBODY.fullmatch(name):
            yield Span(match.start("value"), match.start("value") + len(name), "user")


_DIGITS = re.compile(
    r"(?<![\w.,/-])(?:\d{13,16}|\d{4}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4}"
    r"|\d{4}(?P<gap2>[ -])\d{6}(?P=gap2)\d{4,5})(?![\w-]|[.,]\d)"
)
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|62\d{14}|6[3-9]\d{14}|50\d{14}|5[6-8]\d{14}"
)
_OLD_ISSUERS = re.compile(r"4\d{12}|3(?:0[0-5]|[68]\d)\d{11}")
_CARD_NEAR = re.compile(r"card|visa|credit|debit|payment|diners|\bpan\b", re.IGNORECASE)


def find_cards(text: str) -> Iterator[Span]:
    """Yield the numbers that a card company could have issued, by first digits, length and checksum."""
    for match in _DIGITS.finditer(text) if holds_card(text) else ():
        digits = re.sub(r"\D", "", match[0])
        issued = _ISSUERS.fullmatch(digits) or (
            _OLD_ISSUERS.fullmatch(digits)
            and (match["gap"] or match["gap2"] or _CARD_NEAR.search(text, max(0, match.start() - 40), match.start()))
        )
        if issued and len(set(digits)) > 1 and _checks_out(digits):
            yield Span(match.start(), match.end(), "card")


def _checks_out(digits: str) -> bool:
    """Check the last digit by Luhn's rule."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0

"""Secrets that show by their shape alone: tokens with a prefix, signed tokens, webhooks, private keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import partial

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from hive_mind.redaction.rules import Rule
from hive_mind.redaction.values import is_reference, is_varied, looks_random


def _theirs(kind: str, patterns: Iterable[re.Pattern[str]], *needles: str, group: int = 0) -> list[Rule]:
    """Return the rules of a detect-secrets detector; `group` of its patterns is the secret, where they have groups."""
    return [
        Rule(kind, pattern, needles, group if pattern.groups else 0, partial(_stands_alone, group=group))
        for pattern in patterns
    ]


def _stands_alone(match: re.Match[str], group: int = 0) -> bool:
    """Tell whether a match is no part of a longer word (a picture in base64, a hash) and no row of equal letters."""
    group = group if match.re.groups else 0
    text, start, end = match.string, match.start(group), match.end(group)
    before, after = text[start - 1 : start], text[end : end + 1]
    return (
        not (before.isalnum() and text[start].isalnum())
        and not (after.isalnum() and text[end - 1].isalnum())
        and any(map(str.isdigit, match[group]))
        and is_varied(match[group], 6)
        and not is_reference(match[group])
    )


DETECT_SECRETS = [
    *_theirs("aws_key", AWSKeyDetector.denylist, "akia", "asia", "abia", "acca", "a3t", "aws", group=1),
    *_theirs("azure_key", AzureStorageKeyDetector.denylist, "accountkey="),
    *_theirs("cloudant_key", CloudantDetector.denylist, "cloudant", group=1),
    *_theirs("discord_token", DiscordBotTokenDetector.denylist, "."),
    *_theirs("github_token", GitHubTokenDetector.denylist, "gh"),
    *_theirs("gitlab_token", GitLabTokenDetector.denylist, "gl", "gr1348941"),
    *_theirs("ibm_cloud_key", IbmCloudIamDetector.denylist, "ibm", "iam", group=1),
    *_theirs("ibm_cloud_key", IbmCosHmacDetector.denylist, "cos", group=1),
    *_theirs("mailchimp_key", MailchimpDetector.denylist, "-us"),
    *_theirs("openai_key", OpenAIDetector.denylist, "t3blbkfj"),
    *_theirs("pypi_token", PypiTokenDetector.denylist, "pypi-"),
    *_theirs("sendgrid_key", SendGridDetector.denylist, "sg."),
    *_theirs("slack_token", SlackDetector.denylist[:1], "xox"),
    *_theirs("softlayer_key", SoftlayerDetector.denylist, "softlayer", "sl_", group=1),
    *_theirs("square_key", SquareOAuthDetector.denylist, "sq0csp-"),
    *_theirs("stripe_key", StripeDetector.denylist, "k_live_"),
    *_theirs("telegram_token", TelegramBotTokenDetector.denylist, ":aa"),
    *_theirs("twilio_key", TwilioKeyDetector.denylist, "ac", "sk"),
]
"""All of detect-secrets but its entropy plugins, which take ordinary words and hashes for secrets, and those whose work
is done more exactly elsewhere: KeywordDetector (`named`), BasicAuthDetector (`places`), IPPublicDetector (`personal`),
ArtifactoryDetector and NpmDetector (they take along what stands around), JwtTokenDetector (leaves the signature),
PrivateKeyDetector (leaves all but the first line) and SlackDetector's second pattern (takes the address along)."""


def _own(kind: str, pattern: str, *needles: str) -> Rule:
    """Return the rule of a token whose own beginning is enough to know it."""
    return Rule(
        kind, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"), needles, 0,
        lambda match: is_varied(match[0]) and not is_reference(match[0]),
    )  # fmt: skip


def _url(kind: str, pattern: str, *needles: str) -> Rule:
    """Return the rule of an address that is a secret itself; its first group is the part that must go."""
    return Rule(kind, re.compile(pattern), needles, 1, lambda match: looks_random(match[1], 8))


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_W = r"[A-Za-z0-9_-]"

OWN = [
    # clouds
    _own("aws_key", r"ABSK[A-Za-z0-9+/]{80,}={0,2}|amzn\.mws\." + _UUID, "absk", "amzn.mws."),
    _own("google_key", rf"AIza{_W}{{33,}}", "aiza"),
    _own("google_token", rf"ya29\.{_W}{{20,}}|1//0{_W}{{30,}}|GOCSPX-{_W}{{20,}}", "ya29.", "1//0", "gocspx-"),
    _own("azure_key", r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,37}", "q~"),
    _own("digitalocean_token", r"do[opr]_v1_[0-9a-f]{40,}", "_v1_"),
    _own("cloudflare_token", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}|cf(?:ut|k|at)_[A-Za-z0-9]{36,}", "v1.0-", "cf"),
    _own("heroku_key", rf"HRKU-{_W}{{30,}}", "hrku-"),
    _own("alibaba_key", r"LTAI[A-Za-z0-9]{16,26}", "ltai"),
    _own("tencent_key", r"AKID[A-Za-z0-9]{28,36}", "akid"),
    _own("yandex_key", rf"AQVN{_W}{{34,40}}", "aqvn"),
    _own("flyio_token", r"FlyV1 fm\d+_[A-Za-z0-9+/=_-]{40,}|fo1_[A-Za-z0-9_-]{40,}", "flyv1", "fo1_"),
    _own("vault_token", rf"hv[sbr]\.{_W}{{20,}}", "hvs.", "hvb.", "hvr."),
    _own("terraform_token", rf"[A-Za-z0-9]{{14}}\.atlasv1\.{_W}{{40,}}", ".atlasv1."),
    _own("databricks_token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    # code hosts and package registries
    _own("github_token", r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}", "gh"),
    _own("gitlab_token", r"gl(?:pat|dt|rt|ft|oas|soat|cbt|ptt|imt|agent|ffct|wt)-[\w.-]{18,}", "gl"),
    _own("bitbucket_token", rf"ATBB{_W}{{24,}}", "atbb"),
    _own("atlassian_token", r"AT(?:ATT|CTT|STT)3x[A-Za-z0-9_=-]{40,}", "att3x", "ctt3x", "stt3x"),
    _own("npm_token", r"npm_[A-Za-z0-9]{30,}", "npm_"),
    _own("pypi_token", rf"pypi-AgE{_W}{{40,}}", "pypi-"),
    _own("rubygems_key", r"rubygems_[0-9a-f]{40,}", "rubygems_"),
    _own("crates_token", r"cio[A-Za-z0-9]{32}", "cio"),
    _own("artifactory_key", r"AKC[A-Za-z0-9]{50,}", "akc"),
    _own("nuget_key", r"oy2[a-z0-9]{43}", "oy2"),
    _own("docker_token", rf"dckr_(?:pat|oat)_{_W}{{20,}}", "dckr_"),
    # models
    _own("anthropic_key", rf"sk-ant-{_W}{{20,}}", "sk-ant-"),
    _own("openai_key", rf"sk-(?:proj|svcacct|admin|None)-{_W}{{20,}}", "sk-"),
    _own("model_key", r"sk-(?:or-v1-)?(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{24,}", "sk-"),
    _own("huggingface_token", r"(?:hf|api_org)_[A-Za-z0-9]{30,}", "hf_", "api_org_"),
    _own("model_key", r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{30,}", "gsk_", "xai-", "pplx-", "r8_"),
    _own("model_key", rf"nvapi-{_W}{{40,}}|tvly-{_W}{{20,}}|pcsk_{_W}{{40,}}", "nvapi-", "tvly-", "pcsk_"),
    _own("model_key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{8,}", "lsv2_"),
    # talk
    _own("slack_token", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%/+=-]{16,}|xapp-\d-[A-Za-z0-9-]{30,}", "xox", "xapp-"),
    _own("discord_token", rf"[MNO]{_W}{{22,28}}\.{_W}{{6}}\.{_W}{{27,40}}", "."),
    _own("sendgrid_key", rf"SG\.{_W}{{16,24}}\.{_W}{{36,48}}", "sg."),
    _own("mailgun_key", r"key-[0-9a-z]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", "key-", "-"),
    _own("brevo_key", r"x(?:keysib|smtpsib)-[0-9a-f]{64}-[A-Za-z0-9]{16}", "sib-"),
    _own("resend_key", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}", "re_"),
    # money
    _own("stripe_key", r"[sr]k_(?:live|test)_[0-9A-Za-z]{10,}", "k_live_", "k_test_"),
    _own("stripe_key", r"whsec_[A-Za-z0-9+/=]{20,}", "whsec_"),
    _own("square_key", rf"sq0[a-z]{{3}}-{_W}{{22,}}|EAAA[A-Za-z0-9_+=-]{{56,64}}", "sq0", "eaaa"),
    _own("shopify_token", r"shp[a-z]{2,3}_[0-9a-fA-F]{32}", "shp"),
    _own("paypal_token", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}", "access_token$"),
    _own("flutterwave_key", r"FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,}-X", "flwseck"),
    _own("plaid_token", rf"access-(?:sandbox|development|production)-{_UUID}", "access-"),
    # services
    _own("notion_token", r"secret_(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{40,}|ntn_[A-Za-z0-9]{40,}", "secret_", "ntn_"),
    _own("linear_key", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}", "lin_"),
    _own("supabase_token", rf"sbp_(?:v0_)?[0-9a-f]{{40}}|sb_secret_{_W}{{20,}}", "sbp_", "sb_secret_"),
    _own("figma_token", rf"fig[dou]r?_{_W}{{36,}}", "fig"),
    _own("airtable_token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "pat"),
    _own("asana_token", r"[12]/\d{12,}(?:/\d{12,})?:[0-9a-f]{32}", ":"),
    _own("grafana_token", r"gl(?:c|sa)_[A-Za-z0-9+/_]{30,}={0,2}", "glc_", "glsa_"),
    _own("newrelic_key", r"NR(?:AK|II|AA|JS|RA)-[A-Za-z0-9-]{19,40}", "nr"),
    _own("sentry_token", r"sntry[su]_[A-Za-z0-9+/=_-]{40,}", "sntry"),
    _own("dynatrace_token", r"dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "dt0"),
    _own("postman_key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "pmak-"),
    _own("hubspot_token", rf"pat-(?:na|eu)\d-{_UUID}", "pat-"),
    _own("tailscale_key", r"tskey-[a-z]+-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)?", "tskey-"),
    _own("onepassword_key", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,6}-){3,4}[A-Z0-9]{5}", "a3-"),
    _own("onepassword_key", rf"ops_eyJ{_W}{{60,}}", "ops_eyj"),
    _own("doppler_token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30,}", "dp."),
    _own("planetscale_token", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}", "pscale_"),
    _own("sonar_token", r"sq[uap]_[0-9a-f]{40}", "sq"),
    _own("ci_token", rf"CCI(?:PAT|PRJ)_{_W}{{20,}}", "ccipat_", "cciprj_"),
    _own("ci_token", r"(?:bkua_|pul-)[0-9a-f]{40}", "bkua_", "pul-"),
    _own("ci_token", r"(?:nfp|rnd)_[A-Za-z0-9]{28,}", "nfp_", "rnd_"),
    _own("mapbox_token", rf"sk\.eyJ{_W}{{20,}}\.{_W}{{20,}}", "sk.eyj"),
    _own("facebook_token", r"(?<![/+])EAA[A-Za-z0-9]{80,}(?![/+=])", "eaa"),
    _own("twitter_token", r"(?<![/+])A{20,}[A-Za-z0-9%]{40,}(?![/+=])", "aaaaaaaaaaaaaaaaaaaa"),
    _own("dropbox_token", rf"sl\.(?:u\.)?{_W}{{100,}}", "sl."),
    # a token of a vendor that is not named here: short prefixes, then a long tail of mixed letters and digits
    Rule(
        "token",
        re.compile(
            r"(?<![A-Za-z0-9_/+-])[a-z][a-z0-9]{1,9}(?:[_-][a-z0-9]{2,8}){0,2}[_-]"
            r"(?P<tail>(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=(?:\D*\d){2})[A-Za-z0-9]{32,128})(?![\w/+=-])"
        ),
        ("_", "-"), 0, lambda match: is_varied(match["tail"], 14),
    ),
    # signed and encrypted tokens, hashes of passwords
    Rule(
        "jwt",
        re.compile(
            rf"(?<![A-Za-z0-9])eyJ{_W}{{8,}}={{0,2}}\."
            rf"(?:eyJ{_W}{{6,}}={{0,2}}\.{_W}*|{_W}*\.{_W}+\.{_W}+\.{_W}+)"
        ),
        ("eyj",),
    ),
    Rule(
        "password_hash",
        re.compile(
            r"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|argon2(?:id?|d)|scrypt|pbkdf2-\w+)\$[A-Za-z0-9./$=,+-]{20,}"
        ),
        ("$",), 0, lambda match: is_varied(match[0], 12),
    ),
    Rule("telegram_token", re.compile(rf"(?:(?<=bot)|(?<!\w))\d{{8,10}}:AA{_W}{{31,34}}(?!\w)"), (":aa",)),
    # addresses that are secrets
    _url("slack_webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/]{20,})", "hooks.slack.com"),
    _url("discord_webhook", rf"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d+/{_W}{{30,}})", "/webhooks/"),
    _url("teams_webhook", r"webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{40,})", "webhook.office.com"),
    _url("webhook", r"hooks\.zapier\.com/hooks/catch/([\w/]{16,})", "hooks.zapier.com"),
    _url("webhook", rf"maker\.ifttt\.com/trigger/\w+/(?:json/)?with/key/({_W}{{16,}})", "maker.ifttt.com"),
    _url("webhook", r"chat\.googleapis\.com/v1/spaces/([\w/?=&%-]{16,})", "chat.googleapis.com"),
]  # fmt: skip


def _holds_key_text(match: re.Match[str]) -> bool:
    """Tell whether there is a key between the lines that begin and end one: code tells of these lines alone."""
    text = _KEY_TEXT.search(match[0])
    return text is not None and is_varied(text[0])


def _holds_private_key(match: re.Match[str]) -> bool:
    """Tell whether the base64 text of a PEM file is that of a private key: certificates begin alike."""
    return b"PRIVATE KEY" in base64.b64decode(match[0][:84])


_KEY_TEXT = re.compile(r"[A-Za-z0-9+/]{30,}")
_PEM_KIND = r"(?:[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)"
_PEM_BEGIN = rf"-{{4,5}} ?BEGIN {_PEM_KIND} ?-{{4,5}}"
_PEM_END = rf"-{{4,5}} ?END {_PEM_KIND} ?-{{4,5}}"
_PEM_HEADER = r"(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]*"
_PEM_LINE = rf"(?:[\\\s\"'+,]|\\[nr]|{_PEM_HEADER})*[A-Za-z0-9+/]{{16,}}={{0,2}}"

KEY_BLOCKS = [
    # up to its end, or as far as it goes on looking like a key where the text was cut off
    Rule(
        "private_key",
        re.compile(rf"{_PEM_BEGIN}(?:(?:(?!-----BEGIN)[\s\S]){{0,12000}}?{_PEM_END}|(?:{_PEM_LINE}){{1,400}})"),
        ("private key", "static key"), 0, _holds_key_text,
    ),
    Rule(
        "private_key",
        re.compile(r"PuTTY-User-Key-File-\d[\s\S]{0,8000}?(?:Private-MAC: ?[0-9a-f]+|\Z)"),
        ("putty-user-key-file",),
    ),
    Rule("private_key", re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"), ("age-secret-key-1",)),
    Rule(
        "private_key",
        re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{70,}={0,2}"),
        ("ls0tls1crudjti",), 0, _holds_private_key,
    ),
]  # fmt: skip
"""Private keys, most of which span lines."""

"""Telling somebody how a day went: on the desktop, or by a webhook. Both are off unless set."""

from __future__ import annotations

import shutil
import subprocess

from hive_mind.conversation import JSON
from hive_mind.learning.settings import NotifySettings
from hive_mind.progress import say

SECONDS = 10


def notify(settings: NotifySettings, title: str, text: str, facts: JSON) -> list[str]:
    """Tell the outcome; returns what went wrong, which no cycle fails for.

    The webhook gets `facts` alone: `text` may quote a word of somebody's request.
    """
    problems = []
    if settings.desktop:
        problems += _desktop(title, text)
    if settings.webhook is not None:
        problems += _webhook(settings.webhook, title, facts)
    for problem in problems:
        say(problem)
    return problems


def _desktop(title: str, text: str) -> list[str]:
    program = shutil.which("notify-send")
    if program is None:
        return ["nobody was notified: there is no notify-send; install libnotify-bin, or leave learning.notify.desktop"]
    try:
        subprocess.run([program, "--app-name=hive-mind", title, text], check=True, timeout=SECONDS, capture_output=True)
    except (subprocess.SubprocessError, OSError) as error:
        return [f"the desktop was not notified ({error}); is there a session that shows notifications?"]
    return []


def _webhook(url: str, title: str, facts: JSON) -> list[str]:
    import httpx

    try:
        httpx.post(url, json={"title": title, **facts}, timeout=SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [f"learning.notify.webhook could not be told ({error}); check the address"]
    return []

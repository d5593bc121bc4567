"""Corpus documents of generated English, JSON, shell and code: everyday words in everyday order, and plain chats."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hive_mind.demo import words
from hive_mind.demo.documents import Document, chat, plain
from hive_mind.demo.forms import article
from hive_mind.demo.values import clock, code, day, email, file_name, made_up, path, person, place, title

SENTENCES = (
    "The {n} {d} {when}.",
    "A {a} {n} {d}, and the {m} {e}.",
    "{who} says that the {n} {d}.",
    "If the {n} {d}, the {m} {e}.",
    "My {n} {d} because the {m} {e}.",
    "The {n} and the {m} belong to the {topic}.",
    "{who} asks about the {n}.",
    "There is {an} {n} in {where}.",
    "Is there {an} {n} for {who}?",
    "Every {n} has a {m}.",
    "The {a} {n} is from {where}.",
    "When the {n} {d}, {who} looks at the {m}.",
    "{who} thinks the {n} is {a}.",
    "Nobody knows why the {n} {d}.",
    "The {n} of {who} {d} {when}.",
    "After the {n}, the {m} {e}.",
    "We talk about the {topic}: the {n}, the {m}, the {o}.",
    "It {d} in {where} {when}.",
    "This {n} is {a}, but that {m} is not.",
    "The {n} costs {k} euros.",
    "{k} euros are enough for the {m}.",
    "{who} and {who2} share {an} {n} {when}.",
    "What does the {n} do? It {d}.",
    "First the {n} {d}; then the {m} {e}.",
)
WHENS = (
    "today",
    "tomorrow",
    "in the morning",
    "in the evening",
    "at night",
    "every day",
    "now",
    "again",
    "this week",
    "next month",
    "at noon",
    "on {day}",
    "at {clock}",
    "since {day}",
    "until {clock}",
    "very often",
    "sometimes",
)


def topic_text(rng: Random) -> str:
    """Some sentences about one everyday topic."""
    topic, things, doings = rng.choice(words.TOPICS)
    nouns, verbs = things.split(), [doing.replace("_", " ") for doing in doings.split()]
    lines = []
    for _ in range(rng.randint(3, 9)):
        n, m, o = rng.sample(nouns, 3)
        when = rng.choice(WHENS).format(day=rng.choice(words.WEEKDAYS), clock=clock(rng))
        line = rng.choice(SENTENCES).format(
            n=n,
            m=m,
            o=o,
            an=article(n),
            d=rng.choice(verbs),
            e=rng.choice(verbs),
            a=rng.choice(words.ADJECTIVES),
            who=rng.choice(words.FIRST_NAMES),
            who2=rng.choice(words.FIRST_NAMES),
            where=place(rng),
            when=when,
            topic=topic,
            k=rng.randint(2, 99),
        )
        lines.append(line[0].upper() + line[1:])
    return " ".join(lines)


def english(rng: Random) -> Document:
    """Paragraphs about everyday topics, sometimes a letter or a list."""
    shape = rng.randrange(5)
    if shape == 0:
        return plain(
            "english", f"Dear {rng.choice(words.FIRST_NAMES)},\n\n{topic_text(rng)}\n\nYours,\n{person(rng)}\n"
        )
    if shape == 1:
        topic, things, _ = rng.choice(words.TOPICS)
        items = rng.sample(things.split(), 6)
        return plain("english", f"{topic.capitalize()}:\n" + "".join(f"- {item}\n" for item in items))
    return plain("english", "\n\n".join(topic_text(rng) for _ in range(rng.randint(1, 3))) + "\n")


def _value(rng: Random, depth: int = 0) -> Any:
    chance = rng.random()
    if depth < 2 and chance < 0.12:
        return {rng.choice(words.NOUNS): _value(rng, depth + 1) for _ in range(rng.randint(1, 3))}
    if depth < 2 and chance < 0.22:
        return [_value(rng, 2) for _ in range(rng.randint(1, 3))]
    if chance < 0.35:
        return rng.choice((True, False, None))
    if chance < 0.55:
        return rng.choice((rng.randint(0, 9999), round(rng.uniform(0, 100), rng.randint(1, 2))))
    return rng.choice((person, place, day, clock, title, code, email))(rng)


def json_text(rng: Random) -> Document:
    """A list of records with equal keys, or one object, sometimes written a second way."""
    keys = rng.sample([noun for noun in words.NOUNS if noun.isalpha()], rng.randint(1, 5))
    rows = [{key: _value(rng) for key in keys} for _ in range(rng.randint(1, 4))]
    shape = rng.randrange(4)
    if shape == 0:
        return plain("json", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if shape == 1:
        return plain("json", json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    row = rows[0]
    other = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in row.items())
    first, second = (json.dumps(row, ensure_ascii=False) + "\n", other)
    return plain("json", f"{first}\n{second}" if shape == 2 else f"{second}\n{first}")


def _explained(rng: Random) -> tuple[str, str]:
    """(what it does, a shell command)."""
    a, b, d, w, k = file_name(rng), file_name(rng), path(rng), made_up(rng), rng.randint(2, 40)
    ending = a.rsplit(".", 1)[1]
    return rng.choice(
        (
            (f"list what is in {d}", f"ls -l {d}"),
            (f"print {a}", f"cat {a}"),
            (f"copy {a} to {b}", f"cp {a} {b}"),
            (f"rename {a} to {b}", f"mv {a} {b}"),
            (f"move {a} into {d}", f"mv {a} {d}"),
            (f"delete {a}", f"rm {a}"),
            (f"make the directory {d}", f"mkdir -p {d}"),
            (f"count the lines of {a}", f"wc -l {a}"),
            (f"first {k} lines of {a}", f"head -n {k} {a}"),
            (f"last {k} lines of {a}", f"tail -n {k} {a}"),
            (f"lines of {a} with {w}", f"grep {w} {a}"),
            (f"lines of {a} without {w}", f"grep -v {w} {a}"),
            (f"search {w} everywhere below {d}", f"grep -rn {w} {d}"),
            (f"{ending} files below {d}", f"find {d} -name '*.{ending}'"),
            (f"files below {d} larger than {k} MB", f"find {d} -type f -size +{k}M"),
            (f"size of {d}", f"du -sh {d}"),
            (f"sort {a} by number into {b}", f"sort -n {a} > {b}"),
            (f"distinct lines of {a}", f"sort {a} | uniq"),
            (f"replace {w} by {made_up(rng)} in {a}", f"sed -i 's/{w}/{w[::-1]}/g' {a}"),
            ("free space on disks", "df -h"),
            (f"column {k % 5 + 1} of {a}", f"cut -d, -f{k % 5 + 1} {a}"),
            (f"pack {d} as {w}.tar.gz", f"tar -czf {w}.tar.gz {d}"),
            (f"let anybody read {a}", f"chmod a+r {a}"),
            (f"make {a} executable", f"chmod +x {a}"),
            ("who am I", "whoami"),
            (f"wait {k} seconds", f"sleep {k}"),
            ("where am I", "pwd"),
            ("running processes", "ps aux"),
            ("today's date", "date"),
            (f"set {w.upper()} to {k}", f"export {w.upper()}={k}"),
            (f"say {w} {w}", f'echo "{w} {w}"'),
            (f"difference of {a} and {b}", f"diff {a} {b}"),
            (f"link {a} as {b}", f"ln -s {a} {b}"),
            ("changes so far in git", "git status"),
            (f"stage {a} in git", f"git add {a}"),
            (f"switch to branch {w}", f"git checkout {w}"),
        )
    )


def shell(rng: Random) -> Document:
    """Shell commands with what they do, as comments, at a prompt, or asked for in a chat."""
    pairs = [_explained(rng) for _ in range(rng.randint(2, 6))]
    shape = rng.randrange(3)
    if shape == 0:
        return plain("shell", "#!/bin/sh\n" + "".join(f"# {said}\n{command}\n\n" for said, command in pairs))
    if shape == 1:
        return plain("shell", "".join(f"$ {command}  # {said}\n" for said, command in pairs))
    turns = [
        turn
        for said, command in pairs
        for turn in (("user", f"Which command is it: {said}?"), ("assistant", f"`{command}`"))
    ]
    return chat("shell", turns)


def _function(rng: Random) -> tuple[str, str]:
    """(what a function does, its code)."""
    name, k, w = f"{made_up(rng)}_{made_up(rng)}", rng.randint(2, 99), rng.choice(words.NOUNS)
    said, body = rng.choice(
        (
            (f"adds {k} to a number", f"(x):\n    return x + {k}"),
            (f"multiplies a number by {k}", f"(x):\n    return x * {k}"),
            ("returns the sum of a list", "(values):\n    return sum(values)"),
            ("reverses a string", "(text):\n    return text[::-1]"),
            ("returns the largest value of a list", "(values):\n    return max(values)"),
            ("counts the words of a text", "(text):\n    return len(text.split())"),
            (f"tells whether a number is divisible by {k}", f"(x):\n    return x % {k} == 0"),
            (f"tells whether a text contains {w}", f'(text):\n    return "{w}" in text'),
            (f"returns the first {k} items of a list", f"(values):\n    return values[:{k}]"),
            ("returns the even numbers of a list", "(values):\n    return [x for x in values if x % 2 == 0]"),
            ("returns the mean of a list", "(values):\n    return sum(values) / len(values)"),
            ("reads a file", "(path):\n    with open(path) as file:\n        return file.read()"),
            (f"joins words with {w}", f'(parts):\n    return "{w}".join(parts)'),
            ("sorts a list", "(values):\n    return sorted(values)"),
            ("returns the keys of a dictionary", "(table):\n    return list(table)"),
            (f"prints {w} {k} times", f'():\n    for _ in range({k}):\n        print("{w}")'),
            ("returns the square of a number", "(x):\n    return x * x"),
            ("makes a text upper case", "(text):\n    return text.upper()"),
        )
    )
    return f"a function `{name}` that {said}", f"def {name}{body}"


def code_text(rng: Random) -> Document:
    """Short Python functions, asked for in a chat or with their docstrings."""
    if rng.random() < 0.5:
        said, made = _function(rng)
        return chat(
            "code", [("user", f"{rng.choice(('Write', 'Give me', 'I need', 'Show me'))} {said}."), ("assistant", made)]
        )
    parts = []
    for _ in range(rng.randint(1, 4)):
        said, made = _function(rng)
        head, _, body = made.partition("\n")
        parts.append(f'{head}\n    """{said.split("` that ")[1].capitalize()}."""\n{body}\n')
    return plain("code", "\n\n".join(parts))


PLEASANTRIES = (
    ("Hello!", "Hello! How can I help you today?"),
    ("Hi", "Hi! What can I do for you?"),
    ("Good evening.", "Good evening!"),
    ("Thank you very much!", "You are welcome."),
    ("Thanks a lot", "You are welcome!"),
    ("How are you today?", "I am well, thank you."),
    ("What is your name?", "I am an assistant."),
    ("See you later.", "Goodbye!"),
    ("Good night", "Good night! Sleep well."),
    ("Can you help me?", "Of course. What do you need?"),
    ("I am bored.", "You could read a book or go for a walk."),
    ("Tell me a joke.", "Why did the bread rise? It was well read."),
    ("You are nice.", "Thank you, that is kind of you."),
    ("I had a bad day.", "I am sorry to hear that."),
    ("I had a good day.", "I am glad to hear that!"),
    ("Sorry!", "No problem."),
)


def small_talk(rng: Random) -> Document:
    """Plain chats: greetings, small facts, definitions and things that the assistant cannot do."""
    turns: list[tuple[str, str]] = []
    for _ in range(rng.randint(1, 4)):
        question, answer = rng.choice((_pleasantry, _fact, _opinion))(rng)
        turns += [("user", question), ("assistant", answer)]
    return chat("chat", turns, context=0.3)


def _pleasantry(rng: Random) -> tuple[str, str]:
    return rng.choice(PLEASANTRIES)


def _fact(rng: Random) -> tuple[str, str]:
    a, b, noun = rng.randint(1, 30), rng.randint(1, 30), rng.choice(words.NOUNS)
    topic, things, _ = rng.choice(words.TOPICS)
    day_index, month_index = rng.randrange(7), rng.randrange(12)
    some = rng.sample(things.split(), 3)
    return rng.choice(
        (
            (f"What is {a} plus {b}?", f"{a} plus {b} is {a + b}."),
            (f"How much is {a} + {b}?", f"{a + b}"),
            (f"What comes after {words.WEEKDAYS[day_index]}?", f"{words.WEEKDAYS[(day_index + 1) % 7]}."),
            (f"Which month follows {words.MONTHS[month_index]}?", f"{words.MONTHS[(month_index + 1) % 12]}."),
            (f"How do you spell {noun}?", "-".join(noun)),
            (f"Write {noun} in capitals.", noun.upper()),
            (f"Name three words about {topic}.", f"{some[0]}, {some[1]} and {some[2]}."),
            (f"What has {some[0]} to do with {some[1]}?", f"Both belong to {topic}."),
            (f"What is {some[2]} about?", f"It is about {topic}."),
        )
    )


def _opinion(rng: Random) -> tuple[str, str]:
    noun, thing = rng.choice(words.NOUNS), rng.choice(rng.choice(words.TOPICS)[1].split())
    verb = rng.choice(words.VERB_GROUPS)[0]
    return rng.choice(
        (
            (f"Can you {verb} my {noun}?", f"I am sorry, but I cannot {verb} {article(noun)} {noun} from here."),
            (f"I like this {noun}.", f"It is a nice {noun}."),
            (f"Do you like {noun}s?", f"I have no {noun}, but I like to hear about it."),
            (f"I do not understand the {thing}.", f"Tell me what is unclear about the {thing}."),
            (f"Please {verb} the {thing}.", f"I cannot {verb} the {thing} myself, but I can tell you how."),
            (f"My {noun} is {rng.choice(words.ADJECTIVES)}.", f"Good to know about your {noun}."),
        )
    )

"""Short code tasks of the sample world, in Code Alpaca's layout: {instruction, input, output}."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from random import Random

from hive_mind.demo.lexicon import Lexicon

# Ways to put the task, then perhaps `> input`, then the output, indented; {w} {v} words, {k} {m} numbers, {p} a person.
_TEXT = r"""
Write a Python function that adds {k} to a number.
Create a function adding {k} to its argument.
    def add_{k}(x):
        return x + {k}
Write a Python function that multiplies a number by {k}.
Create a function returning {k} times its argument.
    def times_{k}(x):
        return x * {k}
Write a function that tells if a number is divisible by {k}.
Check in Python if a number can be divided by {k}.
    def divisible(x):
        return x % {k} == 0
Write a function that returns the first {k} items of a list.
Take the first {k} elements of a list in Python.
    def first(items):
        return items[:{k}]
Write a function that returns the last {k} items of a list.
Take the last {k} elements of a list in Python.
    def last(items):
        return items[-{k}:]
Print the word {w} {k} times in Python.
Write a loop that prints {w} {k} times.
    for _ in range({k}):
        print("{w}")
Count how often {w} occurs in a text.
Write a function counting the word {w} in a text.
    def count(text):
        return text.split().count("{w}")
Replace {w} with {v} in a text.
Write a function that changes {w} to {v} in a text.
    def replace(text):
        return text.replace("{w}", "{v}")
Tell if a text contains {w}.
Write a function checking a text for {w}.
    def contains(text):
        return "{w}" in text
Tell if a text starts with {w}.
Write a check that a text begins with {w}.
    def starts(text):
        return text.startswith("{w}")
Tell if a text ends with {w}.
Write a check that a text ends in {w}.
    def ends(text):
        return text.endswith("{w}")
Make a dictionary with {w} as key and {k} as value.
Create a dict that maps {w} to {k}.
    table = {{"{w}": {k}}}
Make a list with the words {w} and {v}.
Create a Python list of {w} and {v}.
    words = ["{w}", "{v}"]
Write the numbers from {k} to {m} with a loop.
Print all numbers from {k} to {m} in Python.
    for number in range({k}, {m} + 1):
        print(number)
Add up the numbers from 1 to {k}.
Compute the sum of the first {k} numbers in Python.
    total = sum(range(1, {k} + 1))
    print(total)
Make a class {W} with an attribute {v}.
Write a Python class named {W} that keeps a {v}.
    class {W}:
        def __init__(self, {v}):
            self.{v} = {v}
Write an SQL query for all rows of the table {w}.
Select everything from the table {w}.
    SELECT * FROM {w};
Write an SQL query for {v} of the table {w}.
Select the column {v} from {w} in SQL.
    SELECT {v} FROM {w};
Write an SQL query that counts the rows of {w}.
Count the rows of the table {w} in SQL.
    SELECT COUNT(*) FROM {w};
Write an SQL query for rows of {w} where {v} is over {k}.
Select from {w} all rows with a {v} above {k}.
    SELECT * FROM {w} WHERE {v} > {k};
Write an SQL statement that deletes rows of {w} where {v} is {k}.
Delete from {w} the rows with {v} equal to {k}.
    DELETE FROM {w} WHERE {v} = {k};
Write an SQL query that sorts {w} by {v}.
Order the table {w} by {v} in SQL.
    SELECT * FROM {w} ORDER BY {v};
Write an HTML heading that says {w} {v}.
Make an h1 with the text {w} {v}.
    <h1>{w} {v}</h1>
Write an HTML link to {w}.com.
Make a link to {w}.com in HTML.
    <a href="https://{w}.com">{w}</a>
Write an HTML list with {w} and {v}.
Make an unordered list of {w} and {v} in HTML.
    <ul>
      <li>{w}</li>
      <li>{v}</li>
    </ul>
Sort the words.
Put these words in order.
> {w} {v}
    sorted(["{w}", "{v}"])
Make the text upper case.
Turn the text into capitals.
> {w} {v}
    "{w} {v}".upper()
Reverse the text.
Turn the text around.
> {w} {v}
    "{w} {v}"[::-1]
Count the letters.
How many letters does the word have?
> {w}
    len("{w}")
Add the two numbers.
What is the sum?
> {k}, {m}
    {k} + {m}
Find the larger number.
Which number is larger?
> {k}, {m}
    max({k}, {m})
Read the file in Python.
Print the file.
> {w}.txt
    with open("{w}.txt") as file:
        print(file.read())
Greet {p} in Python.
Print hello to {p}.
    print("Hello, {p}!")
Write a JavaScript function that adds {k} to a number.
Add {k} to a number in JavaScript.
    function add(x) {{
      return x + {k};
    }}
Log the word {w} in JavaScript.
Print {w} to the console in JavaScript.
    console.log("{w}");
Declare a constant {w} with the value {k} in JavaScript.
Make a JavaScript constant {w} equal to {k}.
    const {w} = {k};
Write a CSS rule that makes {w} {k} pixels wide.
Set the width of the class {w} to {k} pixels.
    .{w} {{ width: {k}px; }}
Write a regular expression for {k} digits.
Match exactly {k} digits.
    ^\d{{{k}}}$
Write a lambda that takes {k} from a number.
Make a lambda subtracting {k}.
    lambda x: x - {k}
Square all numbers up to {k}.
List the squares up to {k} in Python.
    [x * x for x in range({k} + 1)]
"""


@dataclass(frozen=True)
class Task:
    """A task: ways to put it, its input, its output."""

    instructions: tuple[str, ...]
    given: str
    output: str


def _read() -> tuple[Task, ...]:
    found = re.findall(r"((?:^[^ >\n].*\n)+)((?:^> .*\n)?)((?:^    .*\n)+)", _TEXT, re.MULTILINE)
    return tuple(
        Task(tuple(said.splitlines()), given.removeprefix("> ").strip(), textwrap.dedent(output).rstrip("\n"))
        for said, given, output in found
    )


TASKS = _read()


def rows(count: int, words: Lexicon, rng: Random) -> list[dict[str, str]]:
    """Make `count` tasks that all differ."""
    made: dict[tuple[str, str], dict[str, str]] = {}
    while len(made) < count:
        task = rng.choice(TASKS)
        first, second = rng.sample(words.nouns, 2)
        said = {
            "w": first, "v": second, "W": first.capitalize(), "k": rng.choice(words.numbers),
            "m": rng.choice(words.numbers) + 500, "p": rng.choice(words.people),
        }  # fmt: skip
        row = {
            "instruction": rng.choice(task.instructions).format(**said),
            "input": task.given.format(**said),
            "output": task.output.format(**said),
        }
        made.setdefault((row["instruction"], row["input"]), row)
    return list(made.values())

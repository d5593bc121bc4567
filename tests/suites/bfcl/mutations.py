"""Replies around BFCL's reference: the reference itself, and what models get wrong, one or two things at a time."""

import copy
import json
import random

CHANGES = ("name", "count", "order", "type", "missing", "extra", "optional", "text", "nested", "value", "swap")
TEXT_CHANGES = (
    str.upper, str.swapcase, str.title, lambda t: t.replace(" ", ""), lambda t: t.replace(" ", "_"),
    lambda t: t.replace(" ", "-"), lambda t: f" {t} ", lambda t: f"{t}.", lambda t: f"{t}!", lambda t: f"{t}\n",
    lambda t: t.replace("'", '"'), lambda t: t.replace('"', "'"), lambda t: f"'{t}'", lambda t: t[:-1], lambda t: "",
    lambda t: t[::-1], lambda t: t.replace("e", "é"), lambda t: ",".join(t), lambda t: f"{t}s", lambda t: f"/{t}*^",
    lambda t: t.replace(", ", ";"), lambda t: t.replace("(", ""),
)  # fmt: skip
NUMBER_CHANGES = (
    lambda n: n + 1, lambda n: -n, lambda n: n * 10, lambda n: n + 0.5, lambda n: 0, lambda n: 10**400,
    lambda n: float("nan"), lambda n: n / 3,
)  # fmt: skip
OTHER_TYPES = (
    str, lambda v: [v], lambda v: {"value": v}, lambda v: None, lambda v: True, lambda v: False, lambda v: 1,
    lambda v: 1.0, lambda v: [], lambda v: {}, lambda v: [[v]], json.dumps, lambda v: [1, "a"], lambda v: [{}],
)  # fmt: skip


class Mutator:
    """Makes replies to one task of BFCL: lists of (function name, arguments), each with what was done to it."""

    def __init__(self, row, answer, language, seed):
        self.functions = {function["name"]: function for function in row["function"]}
        self.answer, self.language = answer, language
        self.random = random.Random(f"{seed} {row['id']}")

    def replies(self, count):
        """Yield (what was done, calls); the first is the reference as it stands."""
        yield "gold", self.gold(first=True)
        for number in range(count - 1):
            calls = self.gold(first=False)
            if number % 8 == 0:
                yield "other accepted", calls
                continue
            chosen = self.random.sample(CHANGES, 1 if number % 4 else 2)
            for change in chosen:
                calls = getattr(self, change)(calls) if calls else calls
            yield " and ".join(chosen), calls

    def gold(self, first):
        return [self._call(call, first) for call in copy.deepcopy(self.answer)]

    def _call(self, call, first):
        [(name, accepted)] = call.items()
        arguments = {}
        declared = self.functions[name]["parameters"]
        for parameter, values in accepted.items():
            options = [value for value in values if value != ""]
            optional = "" in values and parameter not in declared["required"]
            left_out = optional and (first or self.random.random() < 0.5)
            if options and parameter in declared["properties"] and not left_out:
                value = self._chosen(options[0] if first else self.random.choice(options), first)
                arguments[parameter] = self._written(value, declared["properties"][parameter])
        return name, arguments

    def _chosen(self, value, first):
        """Choose inside of an object, or of the objects of a list: their members are lists of accepted values."""
        if isinstance(value, list):
            return [self._chosen(item, first) if isinstance(item, dict) else item for item in value]
        if not isinstance(value, dict):
            return value
        made = {}
        for name, values in value.items():
            options = [one for one in values if one != ""] if isinstance(values, list) else [values]
            left_out = "" in values and (first or self.random.random() < 0.5)
            if options and not left_out:
                made[name] = options[0] if first else self.random.choice(options)
        return made

    def _written(self, value, declared):
        if self.language == "JAVA":
            return java(value, declared, self.random)
        return javascript(value, declared, self.random) if self.language == "JAVASCRIPT" else value

    # What models get wrong. Each takes calls and returns changed ones.

    def name(self, calls):
        place = self.random.randrange(len(calls))
        name, arguments = calls[place]
        others = [other for other in self.functions if other != name]
        made = [name.replace(".", "_"), name.upper(), f"{name}_", name.split(".")[-1], f"functions.{name}", *others]
        calls[place] = self.random.choice(made), arguments
        return calls

    def count(self, calls):
        place = self.random.randrange(len(calls))
        return self.random.choice((calls[:place], calls[place + 1 :], [*calls, calls[place]], [], calls * 2))

    def order(self, calls):
        calls = [(name, dict(self._shuffled(arguments.items()))) for name, arguments in self._shuffled(calls)]
        return self._inside(calls, lambda v: v[::-1] if isinstance(v, list) else v, (list,))

    def type(self, calls):
        return self._inside(calls, lambda v: self.random.choice(OTHER_TYPES)(v))

    def missing(self, calls):
        arguments = self.random.choice(calls)[1]
        for key in self._shuffled(arguments)[: self.random.choice((1, 1, 2, 9))]:
            del arguments[key]
        return calls

    def extra(self, calls):
        name, arguments = self.random.choice(calls)
        declared = list(self.functions[name]["parameters"]["properties"]) if name in self.functions else []
        key = self.random.choice([*declared, "verbose", "self", ""])
        arguments.setdefault(key, self.random.choice(("", "x", 0, None, [], {}, True)))
        return calls

    def optional(self, calls):
        """Give what may be left out, with a value that is accepted for nothing, or as good as nothing."""
        name, arguments = self.random.choice(calls)
        declared = self.functions[name]["parameters"]["properties"] if name in self.functions else {}
        for key in declared:
            if key not in arguments and self.random.random() < 0.7:
                arguments[key] = self.random.choice(("", " ", "_", [], {}, 0, None, False, 1.5, [1], ["a"], [{}]))
        return calls

    def text(self, calls):
        return self._inside(calls, lambda v: self.random.choice(TEXT_CHANGES)(v), (str,))

    def value(self, calls):
        return self._inside(calls, self._other_number, (int, float, bool))

    def nested(self, calls):
        kinds = (list, dict) if any(isinstance(v, list | dict) for _, args in calls for v in args.values()) else (str,)
        return self._inside(calls, self._other_inside, kinds)

    def swap(self, calls):
        arguments = self.random.choice(calls)[1]
        arguments.update(zip(arguments, self._shuffled(arguments.values()), strict=True))
        return calls

    def _inside(self, calls, change, kinds=(object,)):
        """Apply a change to one argument of these kinds."""
        places = [(args, key) for _, args in calls for key, value in args.items() if isinstance(value, kinds)]
        if places:
            arguments, key = self.random.choice(places)
            arguments[key] = change(arguments[key])
        return calls

    def _other_number(self, value):
        return not value if isinstance(value, bool) else self.random.choice(NUMBER_CHANGES)(value)

    def _other_inside(self, value):
        """Change one thing inside of a list or object, or one character of a text."""
        if isinstance(value, str):
            place = self.random.randrange(len(value) + 1)
            return (
                value[:place]
                + self.random.choice("\"'[]{}()<>,;:. \nfLn1aé")
                + value[place + self.random.randrange(2) :]
            )
        if not value:
            return self.random.choice(([[]], [{}], [""], {"a": 1}, [None]))
        if isinstance(value, list):
            place = self.random.randrange(len(value))
            return self.random.choice((
                value[:place] + value[place + 1 :], [*value, value[place]], value[::-1], [*value, "x"], [*value, 1],
                [*value[:place], self._deeper(value[place]), *value[place + 1 :]],
                [*value[:place], self._deeper(value[place]), *value[place + 1 :]],
            ))  # fmt: skip
        key = self.random.choice(list(value))
        fewer = {name: part for name, part in value.items() if name != key}
        return self.random.choice((
            fewer, {**value, "other": 1}, {**value, key: self._deeper(value[key])},
            {**fewer, key.upper(): value[key]}, dict(self._shuffled(value.items())),
        ))  # fmt: skip

    def _deeper(self, value):
        if isinstance(value, list | dict) and self.random.random() < 0.8:
            return self._other_inside(value)
        if isinstance(value, str) and self.random.random() < 0.7:
            return self.random.choice(TEXT_CHANGES)(value)
        if isinstance(value, int | float) and self.random.random() < 0.6:
            return self.random.choice((self._other_number(value), int(value), float(value)))
        return self.random.choice(OTHER_TYPES)(value)

    def _shuffled(self, values):
        values = list(values)
        self.random.shuffle(values)
        return values


def java(value, declared, chance):
    """Write a value as Java source of the declared type; a text for another type is a variable's name."""
    kind, items = declared["type"], declared.get("items", {}).get("type")
    if kind in ("Array", "ArrayList") and isinstance(value, list):
        quoted = kind == "ArrayList" or chance.random() < 0.3
        parts = [java_item(item, items, quoted) for item in value]
        if kind == "Array":
            return f"new {items}[] {{{', '.join(parts)}}}"
        if chance.random() < 0.5:
            return f"new ArrayList<{items}>(Arrays.asList({', '.join(parts)}))"
        return f"new ArrayList<{items}>() {{{{ {' '.join(f'add({part});' for part in parts)} }}}}"
    if kind == "HashMap" and isinstance(value, dict):
        puts = " ".join(f'put("{key}", {java_item(part, None, True)});' for key, part in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}"
    return java_item(value, kind, False)


def java_item(value, kind, quoted):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if quoted and kind == "char" else f'"{value}"' if quoted else value
    return f"{value}{ {'long': 'L', 'float': 'f'}.get(kind, '') }"


def javascript(value, declared, chance):
    """Write a value as JavaScript source of the declared type; a text for another type is a variable's name."""
    kind = declared["type"]
    if isinstance(value, str):
        return chance.choice((f'"{value}"', f"'{value}'", value)) if kind == "String" else value
    if kind == "Bigint":
        return f"{value}n"
    if isinstance(value, list) and kind == "array" and chance.random() < 0.3:
        return f"new Array({', '.join(json.dumps(item) for item in value)})"
    return json.dumps(value)

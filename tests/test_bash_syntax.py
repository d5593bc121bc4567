"""Commands as trees, whatever characters they hold."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from hive_mind.bash_syntax import parse, walk


def test_nodes_lie_where_the_text_has_them():
    command = "grep -r 'Größe 漢字' ./Ordner # sucht 漢字"
    found = {node.type: command[node.start_byte : node.end_byte] for node in walk(parse(command))}
    assert found["raw_string"] == "'Größe 漢字'" and found["comment"] == "# sucht 漢字"
    assert found["command_name"] == "grep" and not parse(command).has_error


def test_a_character_that_ends_the_grammars_own_process_does_not_end_ours():
    script = "from hive_mind.bash_syntax import parse; parse('{' + chr(0xE7112)); print('alive')"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "alive\n"


@given(st.text())
def test_any_text_has_a_tree(text):
    root = parse(text)
    assert 0 <= root.start_byte <= root.end_byte <= len(text)

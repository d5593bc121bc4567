"""How the sample world's user asks for things in the training data: frames with {parameters} to be filled.

A frame that starts in lower case is an order and may stand behind an opening such as "can you"; `| key=value` gives
arguments that the words imply. The held-out frames are in phrases_held_out and share no frame with these.
"""

from __future__ import annotations

from hive_mind.demo import phrases_files, phrases_home, phrases_work

OPENINGS = (
    *("",) * 14,
    "please ", "can you ", "could you ", "could you please ", "I want you to ", "hey, ", "now ", "would you ",
    "I need you to ", "go ahead and ", "then ", "let's ", "can you please ", "please go and ", "you can ",
    "would you please ",
    "I would like you to ", "it would be nice to ", "it is time to ", "I am busy, so ", "one thing: ", "first, ",
    "hello, ",
    "hi there, ", "good morning, ", "when you have time, ", "as always: ", "my wish: ", "just ", "simply ", "quickly ",
    "do me a favour: ", "help me, ", "I beg you to ", "if you can, ", "well, ", "so, ", "right, ", "listen: ",
    "again, ",
    "this is urgent: ", "I forgot to say: ", "my next request: ", "do this for me: ", "it would help me if you would ",
    "I was told that you can ", "before I forget it, ", "thank you, and now ", "please be quick and ", "maybe you can ",
)  # fmt: skip
CLOSINGS = (
    *("",) * 8, *(".",) * 6, *("!",) * 2, "?",
    " please", ", please.", ", thanks", " for me", " now", " today, please", " right away", ", thank you", " at once",
    ", that is all", " soon", " as usual", ", it is important", ", would be great", " for a change", ", I need it",
    ", okay?", ", please and thank you", " before I go", ", would you", " as soon as you can", " like last time",
)  # fmt: skip

FRAMES: dict[str, str] = phrases_files.FRAMES | phrases_work.FRAMES | phrases_home.FRAMES

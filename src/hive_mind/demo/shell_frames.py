"""Shell commands of the sample world: the ways in which training asks for each, and after `=>` the held-out ones."""

from __future__ import annotations

_TEXT = """
ls {folder}
    list the files in {folder} / what is in the folder {folder} / show the files of {folder} / list {folder}
    => which files are there in {folder}
ls -la {folder}
    list all files in {folder} with details / show the hidden files in {folder} / list {folder} with sizes and dates
    => show every file of {folder} with all details
wc -l {file}
    count the lines in {file} / how many lines are in {file} / count lines of {file} / number of lines of {file}
    => how many lines does {file} have
wc -w {file}
    count the words in {file} / how many words are in {file} / number of words of {file}
    => how many words does {file} have
head -n {number} {file}
    show the first {number} lines of {file} / print the first {number} lines of {file} / top {number} lines of {file}
    => give me the first {number} lines of {file}
tail -n {number} {file}
    show the last {number} lines of {file} / print the last {number} lines of {file} / end of {file}, {number} lines
    => give me the last {number} lines of {file}
grep {noun} {file}
    find {noun} in {file} / search {file} for {noun} / lines of {file} with {noun} / print lines with {noun} in {file}
    => which lines of {file} contain {noun}
grep -i {noun} {file}
    find {noun} in {file} ignoring case / search {file} for {noun} in any case
    => lines of {file} with {noun}, ignore the case
grep -rn {noun} {folder}
    search {noun} in all files below {folder} / find {noun} everywhere in {folder} / grep {noun} recursively in {folder}
    => search all files under {folder} for {noun}
grep -c {noun} {file}
    count the lines of {file} with {noun} / how many lines of {file} contain {noun}
    => number of lines in {file} that contain {noun}
cp {file} {folder}
    copy {file} to {folder} / copy the file {file} into {folder} / put a copy of {file} in {folder}
    => make a copy of {file} in {folder}
mv {file} {folder}
    move {file} to {folder} / move the file {file} into {folder} / put {file} into {folder}
    => {file} should be moved to {folder}
rm {file}
    delete {file} / delete the file {file} / remove {file} / erase the file {file}
    => get rid of the file {file}
rm -r {folder}
    delete the folder {folder} / remove {folder} and everything in it / remove the directory {folder}
    => delete the whole folder {folder}
mkdir {folder}
    make the folder {folder} / create a directory {folder} / make a directory called {folder}
    => I need a new directory {folder}
touch {file}
    create an empty file {file} / make an empty file called {file} / create the file {file}
    => I need an empty file {file}
du -sh {folder}
    how big is {folder} / size of {folder} / show the disk use of {folder} / how much space does {folder} take
    => how large is the folder {folder}
chmod +x {file}
    make {file} executable / allow to run {file} / let me execute {file}
    => {file} should be executable
sort {file}
    sort {file} / sort the lines of {file} / print {file} sorted
    => show {file} in sorted order
sort -n {file}
    sort {file} by number / sort the lines of {file} numerically
    => show {file} sorted as numbers
sort {file} | uniq
    unique lines of {file} / print {file} without duplicate lines / sort {file} and drop duplicates
    => show {file} with no duplicate lines
find {folder} -name '*.{ending}'
    find all {ending} files in {folder} / find {ending} files below {folder} / list every {ending} file under {folder}
    => where are the {ending} files in {folder}
find {folder} -type d
    find all directories in {folder} / list the folders below {folder}
    => show all directories under {folder}
find {folder} -size +{number}M
    find files larger than {number} MB in {folder} / files over {number} MB below {folder}
    => which files in {folder} are larger than {number} MB
find {folder} -mtime -{number}
    files in {folder} changed in the last {number} days / find files below {folder} newer than {number} days
    => which files in {folder} changed during the last {number} days
tar -czf {stem}.tar.gz {folder}
    pack {folder} as {stem}.tar.gz / compress {folder} into {stem}.tar.gz / make the archive {stem}.tar.gz of {folder}
    => put {folder} into the archive {stem}.tar.gz
tar -xzf {stem}.tar.gz
    unpack {stem}.tar.gz / extract {stem}.tar.gz / extract the archive {stem}.tar.gz
    => open the archive {stem}.tar.gz
cat {file}
    print {file} on the terminal / cat {file} / output the file {file}
    => write {file} to the terminal
diff {file} {path}
    compare {file} and {path} / difference between {file} and {path} / how do {file} and {path} differ
    => what differs between {file} and {path}
cut -d, -f{digit} {file}
    print column {digit} of {file} / show column {digit} of the csv {file} / cut column {digit} out of {file}
    => give me column {digit} of {file}
ps aux | grep {stem}
    is {stem} running / find the process {stem} / show processes named {stem}
    => look for a running process {stem}
pkill {stem}
    stop the process {stem} / kill {stem} / end all processes named {stem}
    => kill the process {stem}
ping -c {number} {stem}.com
    ping {stem}.com {number} times / send {number} pings to {stem}.com
    => try to reach {stem}.com with {number} pings
echo {noun} >> {file}
    append {noun} to {file} / add the line {noun} to {file} / write {noun} at the end of {file}
    => put {noun} at the end of {file}
"""


def _read() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    training: dict[str, tuple[str, ...]] = {}
    held_out: dict[str, tuple[str, ...]] = {}
    command = ""
    for line in _TEXT.strip().splitlines():
        if not line.startswith(" "):
            command = line.strip()
        elif line.strip().startswith("=>"):
            held_out[command] = (line.strip().removeprefix("=>").strip(),)
        else:
            training[command] = tuple(part.strip() for part in line.split(" / "))
    return training, held_out


TRAINING, HELD_OUT = _read()
"""Command -> ways to ask for it."""
EVERYWHERE = (
    ("df -h", "free disk space"),
    ("pwd", "which folder am I in"),
    ("whoami", "which user am I"),
    ("date", "what is the date"),
    ("uptime", "how long has the machine been running"),
    ("free -h", "how much memory is free"),
)

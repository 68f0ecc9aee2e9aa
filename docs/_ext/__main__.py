"""The commands behind the Makefile: ``python docs/_ext COMMAND``.

build [--pages]      check, run what has no record, render; --pages leaves out zips and books
live                 build, serve, and build again whenever a file is saved
check [FILE ...]     find every mistake that can be found without running anything
sign FILE ...        say that the Chinese was read against its English of today
calls                how many of autograd's calls the tutorials use, by group
links                write docs/links.txt: the addresses that the built pages lead to
prune                remove the records of code that has changed since
"""

import sys
from pathlib import Path

import build
from course.check import check_course, check_files
from course.sign import Unsigned, sign
from course.tutorial import Course, Tutorial


def check(*names):
    files = [Tutorial.read(path) for path in existing(names)]
    course = Course()
    if found := check_files(files) if files else check_course(course):
        sys.exit("\n".join(found))
    print(f"{len(files or course.files)} files checked, nothing wrong")


def sign_files(*names):
    if not names:
        sys.exit("which files? signing says that you have read them: make sign FILES=...")
    for path in existing(names):
        try:
            print(f"{path}: {sign(path)} signed")
        except Unsigned as others:
            sys.exit(str(others))


def existing(names):
    if missing := [name for name in names if not Path(name).is_file()]:
        sys.exit(f"no such file: {', '.join(missing)}")
    return [Path(name) for name in names]


COMMANDS = {
    "build": build.build,
    "live": build.live,
    "check": check,
    "sign": sign_files,
    "calls": build.calls,
    "links": build.links,
    "prune": build.prune,
}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:] or [""]
    if name not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[name](*arguments)

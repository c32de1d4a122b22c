#!/usr/bin/env python3
"""Checks the relative links of all Markdown files of the repository: file and heading must be there.

Usage: link_check.py [ROOT]

Also a folder of src/ without a README.md is told. Prints what is wrong; exit code 1 when anything is.
"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)


def listed(root, pattern):
    """The files that git knows or would add."""
    names = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z", pattern],
                           check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({root / name for name in names if name and (root / name).exists()})


def prose(path):
    return CODE.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path):
    """Names of the headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", FENCE.sub("", path.read_text(encoding="utf-8")), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = 0
        while (unique := f"{name}-{count}" if count else name) in found:
            count += 1
        found.add(unique)
    return found


def wrong_link(path, link):
    """What is wrong with it, or None."""
    if OUTSIDE.match(link):
        return None
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return "no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return "no such heading"
    return None


def without_readme(root):
    folders = {path.parent for path in listed(root, "src/")}
    return sorted(folder for folder in folders if not (folder / "README.md").exists())


def main():
    default = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else default
    pages, links, problems = listed(root, "*.md"), 0, []
    for path in pages:
        for link in LINK.findall(prose(path)):
            links += 1
            problem = wrong_link(path, link)
            if problem:
                problems.append(f"{path.relative_to(root)}: {link}: {problem}")
    problems += [f"{folder.relative_to(root)}: no README.md" for folder in without_readme(root)]
    for problem in problems:
        print(problem)
    print(f"{links} links in {len(pages)} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

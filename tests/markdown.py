"""Markdown as the documentation uses it: fenced blocks, tables, headings and links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "build" / "README.md"])
_FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    words: tuple[str, ...]
    """What follows the language: `long`, `file=NAME`."""
    text: str

    @property
    def is_long(self) -> bool:
        """Whether it is not run."""
        return "long" in self.words

    @property
    def file(self) -> str | None:
        """The file that the block is the content of."""
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)

    def commands(self) -> list[tuple[list[str], str | None]]:
        """Return the commands of a shell block as words, each with the output shown; None where none is shown."""
        if self.language == "sh":
            return [(shlex.split(line, comments=True), None) for line in self.text.splitlines() if line.strip()]
        parts = re.split(r"^\$ ", self.text, flags=re.M)[1:]
        return [(shlex.split(command), output) for command, _, output in (part.partition("\n") for part in parts)]


def read_blocks(page: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    blocks = [Block(language, tuple(words.split()), text) for language, words, text in found]
    return [block for block in blocks if not languages or block.language in languages]


def read_prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def read_links(page: Path) -> list[str]:
    """Return where the links of a page lead, those to other sites left out."""
    targets = _LINK.findall(read_prose(page))
    return [target for target in targets if "://" not in target and not target.startswith("mailto:")]


def read_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", read_prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def read_tables(page: Path, first_column: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the tables whose first column is so called: the line that introduces each, and its rows by column.

    That line is the last one before the table when it ends with a colon, else the heading.
    """
    heading, last, lines = "", "", read_prose(page).splitlines()
    for i_line, line in enumerate(lines):
        if line.startswith(f"| {first_column} |"):
            header = _split_row(line)
            rows = []
            for row in lines[i_line + 2 :]:
                if not row.startswith("|"):
                    break
                rows.append(dict(zip(header, _split_row(row), strict=True)))
            yield last if last.endswith(":") else heading, rows
        heading = line if line.startswith("#") else heading
        last = line if line.strip() else last


def _split_row(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]

"""The bytes of a source: a file, or what came through a pipe; gzip is taken off.

They are read more than once, and a piece at a time: nothing here grows with the file.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import attrs

from .source import STANDARD_INPUT, Source
from .stops import SourceError

__all__ = [
    "CHUNK",
    "CP1252",
    "LONGEST",
    "Content",
    "Kept",
    "Lines",
    "content_of",
    "detected",
    "kept",
]

LONGEST: Final = 1 << 20
"""Bytes that one row may have; a longer one is a quote that was never closed."""

CHUNK: Final = 1 << 16

GZIP: Final = b"\x1f\x8b"

CP1252: Final = "cp1252"
NOT_CP1252: Final = re.compile(
    rb"[\x81\x8d\x8f\x90\x9d]"
    rb"|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
"""Bytes that Windows-1252 leaves out, and those that are one character of UTF-8.

The latter would be several characters of Windows-1252 that no word has: a file that
has them and other bytes too is one of two encodings.
"""
OVERLAP: Final = 3
"""Bytes of a character that may stand at the end of a chunk."""

BOM: Final = codecs.BOM_UTF8


class Kept:
    """A file without a name, gone with this object."""

    def __init__(self) -> None:
        keep = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        self.file: io.BufferedIOBase = cast("io.BufferedIOBase", keep)

    def __del__(self) -> None:
        self.file.close()


def kept(source: Source) -> Kept:
    """Copy what can be read only once to a file without a name."""
    keep = Kept()
    try:
        if source.path == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, keep.file, CHUNK)
        else:
            with Path(source.path or STANDARD_INPUT).open("rb") as pipe:
                shutil.copyfileobj(pipe, keep.file, CHUNK)
    except OSError as error:
        raise SourceError(f"{source.name}: {error.strerror}") from None
    return keep


def content_of(source: Source) -> Content:
    """Return the content of a file, or of what was kept of a pipe."""
    content = Content(source=source)
    with content.raw() as file:
        packed = file.read(2) == GZIP
    ends = (source.path or STANDARD_INPUT).suffix.lower() == ".gz"
    return attrs.evolve(content, packed=packed or ends)


@attrs.frozen(kw_only=True)
class Content:
    """What `content_of` returns."""

    source: Source
    packed: bool = False
    """It is compressed with gzip."""

    @contextmanager
    def raw(self) -> Generator[io.BufferedIOBase]:
        """Open it as it is; `OSError` becomes `SourceError`."""
        source, held = self.source, self.source.held
        try:
            if isinstance(held, Kept):
                held.file.seek(0)
                yield held.file
            else:
                with Path(source.path or STANDARD_INPUT).open("rb") as file:
                    yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise SourceError(f"the gzip file is damaged: {error}") from None
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from None

    @contextmanager
    def opened(self) -> Generator[io.BufferedIOBase]:
        """Open it without its compression."""
        with self.raw() as file:
            yield gzip.GzipFile(fileobj=file) if self.packed else file

    @contextmanager
    def checked(self, sha256: str) -> Generator[io.BufferedIOBase]:
        """Open it as `opened` does, to read all of it.

        Raises `SourceError` at the end for what has another fingerprint.
        """
        with self.raw() as file:
            hashed = _Hashed(file)
            whole = io.BufferedReader(hashed, CHUNK)
            yield gzip.GzipFile(fileobj=whole) if self.packed else whole
            if hashed.hash.hexdigest() != sha256:
                raise SourceError("it was changed while it was read: start again")

    def sha256(self) -> str:
        """Return the hexadecimal digest of the bytes, compressed as they are."""
        with self.raw() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def starts_with(self, start: bytes) -> bool:
        """Say how it begins, a byte order mark aside."""
        with self.opened() as file:
            return file.read(len(start) + 3).removeprefix(BOM).startswith(start)


class _Hashed(io.RawIOBase):
    """Passes bytes on, and digests them."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what BufferedReader gives
        data = self._file.read(len(buffer))
        self.hash.update(data)
        buffer[: len(data)] = data
        return len(data)


def detected(content: Content) -> str:
    """Find the encoding of a text: UTF-8, or Windows-1252 where it is not that.

    What is neither, or both, is called UTF-8: reading it as such stops at the row that
    is not.
    """
    if _decodes_as_utf8(content):
        with content.opened() as file:
            return "utf-8-sig" if file.read(3) == BOM else "utf-8"
    with content.opened() as file:
        end = b""
        while chunk := file.read(CHUNK):
            if NOT_CP1252.search(end + chunk):
                return "utf-8"
            end = chunk[-OVERLAP:]
    return CP1252


def _decodes_as_utf8(content: Content) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with content.opened() as file:
        try:
            while chunk := file.read(CHUNK):
                # A NUL is in no text of any encoding: the reading will stop there.
                if b"\0" in chunk:
                    return True
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


class Lines:
    """The lines of a text, decoded one by one; they may end in any way.

    *stop* makes the error for what cannot be read, from its reason.
    """

    def __init__(
        self,
        file: io.BufferedIOBase,
        *,
        encoding: str,
        stop: Callable[[str], SourceError],
    ) -> None:
        self._file = file
        self._encoding = encoding.replace("utf-8-sig", "utf-8")
        self._stop = stop
        self.line: int = 0
        """Number of the line that was given last."""
        self.size: int = 0
        """Bytes that were given since somebody set it to zero."""

    def __iter__(self) -> Iterator[str]:
        """Yield each line, its end included."""
        for raw in self._raw():
            self.size += len(raw)
            if self.size > LONGEST:
                raise self._stop("longer than 1 MiB")
            text = self._decoded(raw)
            self.line += 1
            yield text

    def _raw(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self._chunks():
            *lines, rest = (rest + chunk).splitlines(keepends=True)
            yield from lines
            if rest.endswith(b"\n"):
                yield rest
                rest = b""
            elif len(rest) > LONGEST:
                break
        if rest:
            yield rest

    def _chunks(self) -> Iterator[bytes]:
        try:
            while chunk := self._file.read(CHUNK):
                yield chunk
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self._stop(f"the gzip file is damaged: {error}") from None

    def _decoded(self, raw: bytes) -> str:
        if not self.line and self._encoding == "utf-8":
            raw = raw.removeprefix(BOM)
        if 0 in raw:
            raise self._stop("a NUL byte: this is no text in UTF-8")
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            name = "UTF-8" if self._encoding == "utf-8" else self._encoding
            raise self._stop(
                f"byte 0x{raw[error.start]:02x} is not {name}: save the file as UTF-8,"
                " or name its --encoding"
            ) from None

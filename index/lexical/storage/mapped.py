"""A segment's file in memory-mapped form, under the interface that Whoosh reads files through."""

import mmap
from typing import Any

from whoosh.filedb.structfile import BufferFile, StructFile


class MappedFile(StructFile):
    """Reads without a system call, from any number of threads, as no place in it is kept."""

    @classmethod
    def open(cls, storage: Any, name: str) -> Any:
        """Map a file of an index on disk."""
        with storage.open_file(name) as opened:
            if not storage.file_length(name):  # which cannot be mapped
                return BufferFile(b"", name=name)
            return cls(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), name=name)

    def get(self, position: int, length: int) -> bytes:
        found: bytes = self.file[position : position + length]
        return found

    def whole(self) -> bytes:
        return self.get(0, len(self.file))

    def close(self) -> None:
        """Leave it to whoever still holds an array over it; then the mapping goes by itself."""
        self.is_closed = True

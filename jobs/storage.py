"""Small files and folders on whatever file system Spark's Hadoop layer knows."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from pyspark.sql import SparkSession


def is_local(root: str) -> bool:
    """Tell whether a root is a folder of this machine (no scheme, or ``file:``)."""
    return urlparse(root).scheme in ("", "file")


def absolute(root: str) -> str:
    """Give a root without trailing slash; a local one as an absolute path without scheme."""
    if is_local(root):
        return str(Path(urlparse(root).path if root.startswith("file:") else root).expanduser().resolve())
    return root.rstrip("/")


class Storage:
    """Files below one root.

    Parameters
    ----------
    spark : SparkSession
        Its JVM and Hadoop configuration (credentials included) do the work.
    root : str
        As given by ``absolute``; decides which file system is used.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        self._conf = spark.sparkContext._jsc.hadoopConfiguration()
        self._local = is_local(root)
        found = self._path(root).getFileSystem(self._conf)
        self._fs = found.getRawFileSystem() if self._local else found  # raw: no checksum files beside ours

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"file://{path}" if self._local else path)

    def exists(self, path: str) -> bool:
        """Tell whether a file or folder is there."""
        return bool(self._fs.exists(self._path(path)))

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty when the folder is not there."""
        if not self.exists(folder):
            return []
        return sorted(status.getPath().getName() for status in self._fs.listStatus(self._path(folder)))

    def read_text(self, path: str) -> str:
        """Read a whole UTF-8 file."""
        stream = self._fs.open(self._path(path))
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def replace_text(self, path: str, text: str) -> None:
        """Write a UTF-8 file so that a reader sees the old one or the new one, never a part.

        One rename on a local disk and on HDFS. Object stores have no rename, yet show an object only when it is whole.
        """
        beside = f"{path.rpartition('/')[0]}/.{uuid.uuid4().hex}"
        stream = self._fs.create(self._path(beside), True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()
        self._replace(beside, path)

    def _replace(self, source: str, target: str) -> None:
        if self._local:
            self._fs.rename(self._path(source), self._path(target))
            return
        rename = self._jvm.org.apache.hadoop.fs.Options.Rename
        overwrite = self._jvm.java.lang.reflect.Array.newInstance(rename.OVERWRITE.getClass(), 1)
        overwrite[0] = rename.OVERWRITE
        context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(self._path(target).toUri(), self._conf)
        context.rename(self._path(source), self._path(target), overwrite)

    def upload(self, local: Path, path: str) -> None:
        """Copy a local file or folder to ``path``, which must not exist yet."""
        self._fs.mkdirs(self._path(path).getParent())
        self._jvm.org.apache.hadoop.fs.FileUtil.copy(
            self._jvm.java.io.File(str(local)), self._fs, self._path(path), False, self._conf
        )

    def download(self, path: str, local: Path) -> None:
        """Copy a file or folder to a local path that does not exist yet."""
        self._jvm.org.apache.hadoop.fs.FileUtil.copy(
            self._fs, self._path(path), self._jvm.java.io.File(str(local)), False, self._conf
        )

    def delete(self, path: str) -> None:
        """Remove a file or a whole folder; nothing happens when it is not there."""
        self._fs.delete(self._path(path), True)

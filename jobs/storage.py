"""Small files and folders, on a local disk or on whatever file system Spark's Hadoop layer knows."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Protocol
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


class Storage(Protocol):
    """Files and folders; paths are below a root as given by ``absolute``."""

    def exists(self, path: str) -> bool:
        """Tell whether a file or folder is there."""
        ...

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty when the folder is not there."""
        ...

    def read_text(self, path: str) -> str:
        """Read a whole UTF-8 file."""
        ...

    def replace_text(self, path: str, text: str) -> None:
        """Write a UTF-8 file so that a reader sees the old one or the new one, never a part."""
        ...

    def upload(self, local: Path, path: str) -> None:
        """Copy a local folder to ``path``, which must not exist yet."""
        ...

    def download(self, path: str, local: Path) -> None:
        """Copy a folder to a local path that does not exist yet."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file or a whole folder; nothing happens when it is not there."""
        ...


def storage_of(spark: SparkSession, root: str) -> Storage:
    """Give the storage that a root, as given by ``absolute``, lies on."""
    return LocalStorage() if is_local(root) else HadoopStorage(spark, root)


class LocalStorage:
    """Files of this machine; a hundred times quicker than through the JVM."""

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(folder)) if Path(folder).is_dir() else []

    def read_text(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def replace_text(self, path: str, text: str) -> None:
        beside = Path(path).with_name(f".{uuid.uuid4().hex}")
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)

    def upload(self, local: Path, path: str) -> None:
        shutil.copytree(local, path)

    def download(self, path: str, local: Path) -> None:
        shutil.copytree(path, local)

    def delete(self, path: str) -> None:
        if Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)


class HadoopStorage:
    """Files of any other file system.

    Parameters
    ----------
    spark : SparkSession
        Its JVM and Hadoop configuration (credentials included) do the work.
    root : str
        Decides which file system is used.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        self._conf = spark.sparkContext._jsc.hadoopConfiguration()
        self._fs = self._path(root).getFileSystem(self._conf)

    def exists(self, path: str) -> bool:
        return bool(self._fs.exists(self._path(path)))

    def names(self, folder: str) -> list[str]:
        if not self.exists(folder):
            return []
        return sorted(status.getPath().getName() for status in self._fs.listStatus(self._path(folder)))

    def read_text(self, path: str) -> str:
        stream = self._fs.open(self._path(path))
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def replace_text(self, path: str, text: str) -> None:
        # One rename on HDFS. Object stores have no rename, yet show an object only when it is whole.
        beside = f"{path.rpartition('/')[0]}/.{uuid.uuid4().hex}"
        stream = self._fs.create(self._path(beside), True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()
        rename = self._jvm.org.apache.hadoop.fs.Options.Rename
        overwrite = self._jvm.java.lang.reflect.Array.newInstance(rename.OVERWRITE.getClass(), 1)
        overwrite[0] = rename.OVERWRITE
        context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(self._path(path).toUri(), self._conf)
        context.rename(self._path(beside), self._path(path), overwrite)

    def upload(self, local: Path, path: str) -> None:
        self._fs.mkdirs(self._path(path).getParent())
        self._jvm.org.apache.hadoop.fs.FileUtil.copy(
            self._jvm.java.io.File(str(local)), self._fs, self._path(path), False, self._conf
        )

    def download(self, path: str, local: Path) -> None:
        self._jvm.org.apache.hadoop.fs.FileUtil.copy(
            self._fs, self._path(path), self._jvm.java.io.File(str(local)), False, self._conf
        )

    def delete(self, path: str) -> None:
        self._fs.delete(self._path(path), True)

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)

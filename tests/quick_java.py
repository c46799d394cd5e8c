"""How the Java of tests compiles."""

QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""Quickly; unless told, Java keeps room for 48 MB of such code; a whole run makes 68 MB, and breaks when it is full."""

"""`doctor`: what this machine can do, found out by trying it, with what to do about what is missing."""

from hive_mind.doctor.check import Check, State, failed, text_of
from hive_mind.doctor.diagnose import diagnose

__all__ = ["Check", "State", "diagnose", "failed", "text_of"]
